/** As much of the browser's WebSocket as this package uses. */
export interface WebSocketLike {
    binaryType: string;
    readonly protocol: string;
    onopen: ((event: any) => void) | null;
    onmessage: ((event: any) => void) | null;
    onerror: ((event: any) => void) | null;
    onclose: ((event: any) => void) | null;
    send(data: string): void;
    close(code?: number, reason?: string): void;
}
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;
/** Options say how to connect. What is left out has the default. */
export interface Options {
    /**
     * The gateways' URLs, tried in order now and whenever the connection drops:
     * "wss://game.example/v1/ws". Default, on a page: the page's own host.
     */
    url?: string | string[];
    /** A token, or what returns one that is valid now: it is asked for every connection. */
    token: string | (() => string | Promise<string>);
    /** The client's name and version, for the server's logs. */
    name?: string;
    /** Default: the global WebSocket. */
    webSocket?: WebSocketConstructor;
    /** From the first packet to the Welcome. 10,000. */
    dialTimeoutMs?: number;
    /** How long requests wait for their final answer, unless they say otherwise. 30,000. */
    requestTimeoutMs?: number;
    /**
     * The pause before another attempt to connect, which doubles each time from the
     * first to the second and has jitter. 50, 5,000.
     */
    reconnectMinMs?: number;
    reconnectMaxMs?: number;
}
/** Options with every default filled in. */
export interface Settings {
    urls: string[];
    token: () => string | Promise<string>;
    name: string;
    webSocket: WebSocketConstructor;
    dialTimeoutMs: number;
    requestTimeoutMs: number;
    reconnectMinMs: number;
    reconnectMaxMs: number;
}
/** Fills in the defaults; throws a TypeError that names the option that cannot work. */
export declare function settle(o: Options): Settings;
