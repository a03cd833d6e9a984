/** Slots bounds what is under way at once; the rest waits for its turn. */
export declare class Slots {
    private limit;
    private taken;
    private readonly waiting;
    constructor(limit: number);
    /** Calls got as soon as there is a slot, perhaps at once. What it returns gives up waiting. */
    take(got: () => void): () => void;
    release(): void;
    resize(limit: number): void;
    private serve;
}
