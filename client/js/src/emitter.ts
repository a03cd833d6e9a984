/** Ends a subscription. */
export type Unsubscribe = () => void;

/**
 * Emitter calls the listeners of events; E maps an event's name to what its
 * listeners get.
 */
export class Emitter<E> {
  private readonly listeners = new Map<keyof E, Set<(value: never) => void>>();

  /** Calls listener for every event of this name from now on. */
  on<K extends keyof E>(name: K, listener: (value: E[K]) => void): Unsubscribe {
    let set = this.listeners.get(name);
    if (set === undefined) {
      set = new Set();
      this.listeners.set(name, set);
    }
    const own = (value: E[K]): void => listener(value);
    set.add(own);
    return () => void set.delete(own);
  }

  /** @internal */
  emit<K extends keyof E>(name: K, value: E[K]): void {
    for (const listener of this.listeners.get(name) ?? []) {
      try {
        (listener as (value: E[K]) => void)(value);
      } catch (error) {
        // A listener's mistake is shown, and is not the connection's.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
