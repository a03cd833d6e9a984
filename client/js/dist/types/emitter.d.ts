/** Ends a subscription. */
export type Unsubscribe = () => void;
/**
 * Emitter calls the listeners of events; E maps an event's name to what its
 * listeners get.
 */
export declare class Emitter<E> {
    private readonly listeners;
    /** Calls listener for every event of this name from now on. */
    on<K extends keyof E>(name: K, listener: (value: E[K]) => void): Unsubscribe;
}
