// client/js/src/clock.ts
var kept = 8;
var ServerClock = class {
  samples = [];
  offsetMs = 0;
  /** Takes a measurement: the server said serverTime between sent and received. */
  sample(sent, received, serverTime) {
    const rttMs = received - sent;
    this.samples.push({ rttMs, offsetMs: serverTime - sent - rttMs / 2 });
    if (this.samples.length > kept) this.samples.shift();
    const best = this.samples.reduce((a, b) => b.rttMs < a.rttMs ? b : a);
    this.offsetMs = best.offsetMs;
  }
  /** The server's time in milliseconds since 1970. */
  now() {
    return Date.now() + this.offsetMs;
  }
  /** The measurements were of another server. */
  forget() {
    this.samples.length = 0;
  }
};

// client/js/src/backoff.ts
var Backoff = class {
  constructor(minMs, maxMs, random = Math.random) {
    this.minMs = minMs;
    this.maxMs = maxMs;
    this.random = random;
    this.next = minMs;
  }
  minMs;
  maxMs;
  random;
  next;
  pauseMs() {
    const pause = this.next / 2 + this.random() * this.next / 2;
    this.next = Math.min(this.next * 2, this.maxMs);
    return pause;
  }
  reset() {
    this.next = this.minMs;
  }
};

// client/js/src/errors.ts
var HoldfastError = class extends Error {
  constructor(message2, options) {
    super(message2, options);
    this.name = new.target.name;
  }
};
var RefusedError = class extends HoldfastError {
  constructor(code, text2, retryAfterMs = 0) {
    super(text2 === "" ? code : `${code}: ${text2}`);
    this.code = code;
    this.text = text2;
    this.retryAfterMs = retryAfterMs;
  }
  code;
  text;
  retryAfterMs;
  /** True when only sending the same request again tells what became of it. */
  get unsettled() {
    return unsettledCodes.includes(this.code);
  }
};
var unsettledCodes = ["RATE_LIMITED", "OVERLOADED", "UNAVAILABLE"];
var DeadlineError = class extends HoldfastError {
};
var DisconnectedError = class extends HoldfastError {
  constructor(message2, closeCode = 0) {
    super(message2);
    this.closeCode = closeCode;
  }
  closeCode;
};
var ClosedError = class extends HoldfastError {
};
var ProtocolError = class extends HoldfastError {
};

// client/js/src/json.ts
function message(m, field2) {
  const value = m[field2] ?? {};
  if (typeof value !== "object" || Array.isArray(value)) throw wrong(field2, value);
  return value;
}
function messages(m, field2) {
  const value = m[field2] ?? [];
  if (!Array.isArray(value)) throw wrong(field2, value);
  return value;
}
function text(m, field2) {
  const value = m[field2] ?? "";
  if (typeof value !== "string") throw wrong(field2, value);
  return value;
}
function flag(m, field2) {
  return m[field2] === true;
}
function number(m, field2) {
  return toNumber(field2, m[field2] ?? 0);
}
function numbers(m, field2) {
  const out = {};
  for (const [key, value] of Object.entries(message(m, field2))) out[key] = toNumber(field2, value);
  return out;
}
function time(m, field2) {
  const value = text(m, field2);
  return value === "" ? void 0 : new Date(value);
}
function choice(m, field2, prefix) {
  const value = text(m, field2);
  return value.startsWith(prefix) ? value.slice(prefix.length) : value;
}
function toNumber(field2, value) {
  const n = typeof value === "string" ? Number(value) : value;
  if (typeof n !== "number" || Number.isNaN(n)) throw wrong(field2, value);
  if (Number.isInteger(n) && !Number.isSafeInteger(n)) throw new ProtocolError(`${field2}: ${value} is too large`);
  return n;
}
function wrong(field2, value) {
  return new ProtocolError(`${field2}: ${JSON.stringify(value)} is of the wrong kind`);
}
function toBase64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
function fromBase64(encoded) {
  return Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));
}

// client/js/src/patience.ts
var Patience = class {
  constructor(what, timeoutMs2, signal) {
    this.signal = signal;
    signal?.throwIfAborted();
    let lose;
    this.over = new Promise((_, reject) => lose = reject);
    this.over.catch(() => {
    });
    this.onAbort = () => lose(signal?.reason);
    signal?.addEventListener("abort", this.onAbort);
    if (timeoutMs2 !== Infinity) {
      const end = () => lose(new DeadlineError(`${what}: no final answer within ${timeoutMs2} ms`, { cause: this.cause }));
      this.timer = setTimeout(end, timeoutMs2);
    }
  }
  signal;
  /** What kept the request from its final answer, told when patience ends. */
  cause;
  over;
  timer;
  onAbort;
  /**
   * Waits until start has called done or failed, or patience ends. What start
   * returns is called afterwards in any case.
   */
  async wait(start) {
    let stop;
    try {
      return await Promise.race([this.over, new Promise((done, failed) => stop = start(done, failed))]);
    } finally {
      stop?.();
    }
  }
  async sleep(ms) {
    await this.wait((done) => {
      const timer = setTimeout(done, ms);
      return () => clearTimeout(timer);
    });
  }
  end() {
    clearTimeout(this.timer);
    this.signal?.removeEventListener("abort", this.onAbort);
  }
};

// client/js/src/slots.ts
var maxWaiting = 1024;
var Slots = class {
  constructor(limit) {
    this.limit = limit;
  }
  limit;
  taken = 0;
  waiting = [];
  /** Calls got as soon as there is a slot, perhaps at once. What it returns gives up waiting. */
  take(got) {
    if (this.taken < this.limit) {
      this.taken++;
      got();
      return () => {
      };
    }
    if (this.waiting.length >= maxWaiting) throw new HoldfastError(`${maxWaiting} requests wait for their turn already`);
    this.waiting.push(got);
    return () => {
      const at = this.waiting.indexOf(got);
      if (at >= 0) this.waiting.splice(at, 1);
    };
  }
  release() {
    this.taken--;
    this.serve();
  }
  resize(limit) {
    this.limit = limit;
    this.serve();
  }
  serve() {
    while (this.taken < this.limit) {
      const next = this.waiting.shift();
      if (next === void 0) return;
      this.taken++;
      next();
    }
  }
};

// client/js/src/messages.ts
function readWelcome(m) {
  const limits = message(m, "limits");
  return {
    session: text(m, "session"),
    player: text(m, "player"),
    serverTime: time(m, "serverTime") ?? /* @__PURE__ */ new Date(),
    limits: {
      maxMessageBytes: number(limits, "maxMessageBytes"),
      requestsPerSecond: number(limits, "requestsPerSecond"),
      burst: number(limits, "burst"),
      pingIntervalMs: number(limits, "pingIntervalMs"),
      maxWatchedSkus: number(limits, "maxWatchedSkus"),
      maxInFlight: number(limits, "maxInFlight"),
      maxZones: number(limits, "maxZones"),
      maxGroups: number(limits, "maxGroups"),
      maxChatBytes: number(limits, "maxChatBytes")
    },
    nextRequest: number(m, "nextRequest")
  };
}
function readPlayer(m) {
  return {
    id: text(m, "id"),
    wallet: numbers(m, "wallet"),
    backpack: messages(m, "backpack").map((item) => ({ sku: text(item, "sku"), quantity: number(item, "quantity") })),
    orders: messages(m, "orders").map(readOrder),
    nextRequest: number(m, "nextRequest")
  };
}
function readOrder(m) {
  return {
    id: text(m, "id"),
    request: number(m, "request"),
    sku: text(m, "sku"),
    quantity: number(m, "quantity"),
    price: number(m, "price"),
    currency: text(m, "currency"),
    state: choice(m, "state", "ORDER_STATE_"),
    reason: choice(m, "reason", "CODE_"),
    at: time(m, "at")
  };
}
function readCatalog(m) {
  return {
    version: number(m, "version"),
    products: messages(m, "products").map((p) => ({
      sku: text(p, "sku"),
      title: text(p, "title"),
      price: number(p, "price"),
      currency: text(p, "currency"),
      saleStart: time(p, "saleStart"),
      saleEnd: time(p, "saleEnd"),
      limitPerPlayer: number(p, "limitPerPlayer")
    })),
    truncated: flag(m, "truncated")
  };
}
function readBought(m) {
  return { order: readOrder(message(m, "order")), balance: number(m, "balance") };
}
function readStockLevel(m) {
  return {
    sku: text(m, "sku"),
    free: number(m, "free"),
    state: choice(m, "state", "STOCK_STATE_") || "UNKNOWN"
  };
}
function readZone(m) {
  return {
    name: text(m, "name"),
    width: number(m, "width"),
    height: number(m, "height"),
    cell: number(m, "cell"),
    hz: number(m, "hz"),
    maxSpeed: number(m, "maxSpeed"),
    maxPlayers: number(m, "maxPlayers")
  };
}
function readEntered(m) {
  return {
    zone: readZone(message(m, "zone")),
    entity: number(m, "entity"),
    fields: messages(m, "fields").map((f) => ({
      name: text(f, "name"),
      kind: choice(f, "kind", "FIELD_KIND_"),
      bits: number(f, "bits")
    })),
    owner: text(m, "owner"),
    players: number(m, "players")
  };
}
function readPerson(m) {
  return { player: text(m, "player"), entity: number(m, "entity") };
}
function readPeople(m, field2) {
  return messages(m, field2).map(readPerson);
}
function readPresence(m) {
  return {
    channel: text(m, "channel"),
    joined: readPeople(m, "joined"),
    left: readPeople(m, "left"),
    total: number(m, "total")
  };
}
function readChatLine(m) {
  return {
    channel: text(m, "channel"),
    id: number(m, "id"),
    player: text(m, "player"),
    text: text(m, "text"),
    at: time(m, "at")
  };
}

// client/js/src/wire.ts
var subprotocol = "holdfast.v1.json";
var Wire = class _Wire {
  constructor(socket, listener) {
    this.socket = socket;
    this.listener = listener;
  }
  socket;
  listener;
  welcome;
  /** When something was received last, by performance.now(). */
  heardAt = performance.now();
  open = true;
  /** Connects to one gateway, authenticates and waits for the Welcome. */
  static async dial(url, settings, listener) {
    const token = await settings.token();
    const socket = new settings.webSocket(url, [subprotocol]);
    socket.binaryType = "arraybuffer";
    const wire = new _Wire(socket, listener);
    let timer;
    try {
      await new Promise((resolve, reject) => {
        const late = () => reject(new DeadlineError(`connect to ${url}: no Welcome within ${settings.dialTimeoutMs} ms`));
        timer = setTimeout(late, settings.dialTimeoutMs);
        wire.greet(url, token, settings.name, resolve, reject);
      });
    } catch (error) {
      wire.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return wire;
  }
  greet(url, token, name, resolve, reject) {
    const { socket } = this;
    socket.onopen = () => this.send({ seq: "1", hello: { token, client: name } });
    const fail = (why, code = 0) => reject(new DisconnectedError(`connect to ${url}: ${why}`, code));
    socket.onerror = afterwards(() => fail("it failed"));
    socket.onclose = (event) => {
      fail(event.reason === "" ? `closed with ${event.code}` : event.reason, event.code);
    };
    socket.onmessage = (event) => {
      try {
        this.welcome = welcomeIn(parse(event.data));
        this.serve();
        resolve();
      } catch (error) {
        reject(error);
      }
    };
  }
  /** Hands on what arrives from now on. */
  serve() {
    this.heardAt = performance.now();
    this.socket.onmessage = (event) => {
      if (!this.open) return;
      this.heardAt = performance.now();
      try {
        if (event.data instanceof ArrayBuffer) this.listener.world(new Uint8Array(event.data));
        else this.listener.frame(parse(event.data));
      } catch (error) {
        this.listener.unread(error);
      }
    };
    this.socket.onerror = afterwards(() => this.end(new DisconnectedError("the connection failed")));
    this.socket.onclose = (event) => {
      this.end(new DisconnectedError(`the connection closed with ${event.code} ${event.reason}`.trimEnd(), event.code));
    };
  }
  send(frame) {
    if (this.open) this.socket.send(JSON.stringify(frame));
  }
  /** Ends the connection as broken, without waiting for the other side. */
  drop(why) {
    this.socket.close();
    this.end(new DisconnectedError(why));
  }
  /** Ends the connection in good order. The listener is told nothing any more. */
  close() {
    this.open = false;
    this.socket.onopen = null;
    this.socket.close(1e3);
  }
  end(why) {
    if (!this.open) return;
    this.open = false;
    this.listener.closed(this, why);
  }
};
function afterwards(fn) {
  return () => void setTimeout(fn, 0);
}
function parse(data) {
  if (typeof data !== "string") throw new ProtocolError("a message is not text");
  return JSON.parse(data);
}
function welcomeIn(frame) {
  if (frame.welcome !== void 0) return readWelcome(message(frame, "welcome"));
  if (frame.error !== void 0) throw refusal(frame);
  throw new ProtocolError("the Hello was not answered by a Welcome");
}
function refusal(frame) {
  const error = message(frame, "error");
  return new RefusedError(choice(error, "code", "CODE_"), text(error, "text"), number(error, "retryAfterMs"));
}

// client/js/src/connection.ts
var replies = {
  ping: "pong",
  getPlayer: "player",
  listCatalog: "catalog",
  buy: "bought",
  watch: "watching",
  call: "result",
  enterZone: "entered",
  leaveZone: "leftZone",
  intent: "intended",
  listZones: "zones",
  who: "present",
  say: "said",
  readChat: "chatHistory",
  joinGroup: "joinedGroup",
  leaveGroup: "leftGroup"
};
var retryMinMs = 50;
var retryMaxMs = 2e3;
var defaultPingIntervalMs = 15e3;
var mostCheckMs = 1e3;
var mostPongMs = 5e3;
var Connection = class {
  constructor(settings, listener) {
    this.settings = settings;
    this.listener = listener;
    this.backoff = new Backoff(settings.reconnectMinMs, settings.reconnectMaxMs);
  }
  settings;
  listener;
  welcome;
  state = "connecting";
  /** Counts the WebSocket connections. */
  generation = 0;
  /** A connection on which this long nothing was heard is looked after; 0: as the server says. */
  quietMs = 0;
  wire;
  seq = 1;
  // the Hello has it
  pending = /* @__PURE__ */ new Map();
  slots = new Slots(64);
  backoff;
  /** Ends a pause before dialling. */
  wake = () => {
  };
  ended;
  checks;
  probedAt = 0;
  /** Connects for the first time; without success this connection is of no use. */
  async open() {
    try {
      this.adopt(await this.dial());
    } catch (error) {
      this.end(error);
      throw error;
    }
    this.checks = setInterval(() => this.check(), Math.min(mostCheckMs, this.patienceMs / 4));
    globalThis.addEventListener?.("online", this.online);
  }
  /** Sends a request, again as often as it takes, and returns the reply's body. */
  async request(kind, body, manner = {}) {
    const patience = new Patience(kind, manner.timeoutMs ?? this.settings.requestTimeoutMs, manner.signal);
    const pauses = new Backoff(retryMinMs, retryMaxMs);
    try {
      for (; ; ) {
        try {
          return await this.roundTrip(kind, body, manner.resend ?? true, patience);
        } catch (error) {
          if (!(error instanceof RefusedError) || !error.unsettled || manner.retry === false) throw error;
          patience.cause = error;
          await patience.sleep(Math.max(error.retryAfterMs, pauses.pauseMs()));
        }
      }
    } finally {
      patience.end();
    }
  }
  async roundTrip(kind, body, resend, patience) {
    let held = false;
    let seq = 0;
    try {
      await patience.wait(
        (done) => this.slots.take(() => {
          held = true;
          done();
        })
      );
      const reply = await patience.wait((done, failed) => {
        if (this.ended !== void 0) throw this.ended;
        if (!resend && this.wire === void 0) throw new DisconnectedError("there is no connection");
        seq = ++this.seq;
        const frame = { seq: String(seq), [kind]: body };
        this.pending.set(seq, { frame, resend, done, failed });
        this.wire?.send(frame);
        return () => this.pending.delete(seq);
      });
      if (reply.error !== void 0) throw refusal(reply);
      if (reply[replies[kind]] === void 0) throw new ProtocolError(`${kind} was not answered by ${replies[kind]}`);
      return message(reply, replies[kind]);
    } finally {
      if (held) this.slots.release();
    }
  }
  /** Sends a frame that nobody waits for the answer of; nothing without a connection. */
  post(kind, body) {
    this.wire?.send({ seq: String(++this.seq), [kind]: body });
  }
  /** Ends the connection for good. Requests under way fail with a ClosedError. */
  close() {
    this.end(new ClosedError("the client is closed"));
  }
  end(why) {
    if (this.ended !== void 0) return;
    this.ended = why;
    clearInterval(this.checks);
    globalThis.removeEventListener?.("online", this.online);
    this.wire?.close();
    this.wire = void 0;
    this.wake();
    for (const call of this.pending.values()) call.failed(why);
    this.pending.clear();
    this.change("closed");
  }
  change(state) {
    if (this.state === state) return;
    this.state = state;
    this.listener.changed(state);
  }
  /** Connects to the first gateway that welcomes the player. */
  async dial() {
    let last;
    for (const url of this.settings.urls) {
      try {
        return await Wire.dial(url, this.settings, {
          frame: (frame) => this.receive(frame),
          world: (bytes) => this.listener.world(bytes),
          unread: (error) => this.listener.unread(error),
          closed: (wire, why) => this.lost(wire, why)
        });
      } catch (error) {
        if (isFinal(error)) throw error;
        last = error;
      }
    }
    throw last;
  }
  /** Makes wire the one in use, and sends what was not answered in its first order. */
  adopt(wire) {
    if (this.ended !== void 0) {
      wire.close();
      throw this.ended;
    }
    if (!wire.open) throw new DisconnectedError("the connection closed after the Welcome");
    this.wire = wire;
    this.welcome = wire.welcome;
    this.generation++;
    this.probedAt = 0;
    this.backoff.reset();
    if (wire.welcome.limits.maxInFlight > 0) this.slots.resize(wire.welcome.limits.maxInFlight);
    for (const call of this.pending.values()) wire.send(call.frame);
    this.change("open");
    if (this.generation > 1) this.listener.resumed();
  }
  lost(wire, why) {
    if (this.wire !== wire) return;
    this.wire = void 0;
    for (const [seq, call] of this.pending) {
      if (call.resend) continue;
      this.pending.delete(seq);
      call.failed(why);
    }
    this.change("reconnecting");
    void this.reconnect(why);
  }
  async reconnect(why) {
    let pauseMs = why.closeCode === 1001 ? 0 : this.backoff.pauseMs();
    for (; ; ) {
      await this.pause(pauseMs);
      if (this.ended !== void 0) return;
      try {
        this.adopt(await this.dial());
        return;
      } catch (error) {
        if (isFinal(error)) {
          this.end(new ClosedError(`there is no way to connect again: ${error.message}`, { cause: error }));
          return;
        }
        const wanted = error instanceof RefusedError ? error.retryAfterMs : 0;
        pauseMs = Math.max(wanted, this.backoff.pauseMs());
      }
    }
  }
  async pause(ms) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = () => {
    };
  }
  /** The network is back: no reason to wait any longer. */
  online = () => this.wake();
  receive(frame) {
    const seq = number(frame, "seq");
    if (seq === 0) {
      this.listener.pushed(frame);
      return;
    }
    this.pending.get(seq)?.done(frame);
    this.pending.delete(seq);
  }
  /** How long the server may be silent before it is asked. */
  get patienceMs() {
    return this.quietMs || this.welcome.limits.pingIntervalMs || defaultPingIntervalMs;
  }
  /**
   * A page does not see the server's pings, so it asks itself when it has not
   * heard anything. Timers of hidden pages are late: only a Ping without an answer
   * counts.
   */
  check() {
    const { wire } = this;
    if (wire === void 0) return;
    const now = performance.now();
    const quiet = now - wire.heardAt;
    if (this.probedAt > wire.heardAt) {
      if (now - this.probedAt > Math.min(mostPongMs, this.patienceMs)) wire.drop(`nothing was heard for ${Math.round(quiet)} ms`);
      return;
    }
    if (quiet > this.patienceMs) {
      this.probedAt = now;
      this.post("ping", {});
    }
  }
};
function isFinal(error) {
  if (error instanceof RefusedError) return error.code === "UNAUTHENTICATED" || error.code === "INVALID_ARGUMENT";
  return error instanceof ProtocolError || error instanceof ClosedError;
}

// client/js/src/emitter.ts
var Emitter = class {
  listeners = /* @__PURE__ */ new Map();
  /** Calls listener for every event of this name from now on. */
  on(name, listener) {
    let set = this.listeners.get(name);
    if (set === void 0) {
      set = /* @__PURE__ */ new Set();
      this.listeners.set(name, set);
    }
    const own = (value) => listener(value);
    set.add(own);
    return () => void set.delete(own);
  }
  /** @internal */
  emit(name, value) {
    for (const listener of this.listeners.get(name) ?? []) {
      try {
        listener(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
};

// client/js/src/options.ts
function settle(o) {
  const { token, webSocket = globalThis.WebSocket } = o;
  if (token === void 0) throw new TypeError("token: is missing");
  if (webSocket === void 0) throw new TypeError("webSocket: there is no global WebSocket here");
  const settings = {
    urls: [o.url ?? ownGateway()].flat(),
    token: typeof token === "string" ? () => token : token,
    name: o.name ?? "holdfast-js",
    webSocket,
    dialTimeoutMs: o.dialTimeoutMs ?? 1e4,
    requestTimeoutMs: o.requestTimeoutMs ?? 3e4,
    reconnectMinMs: o.reconnectMinMs ?? 50,
    reconnectMaxMs: o.reconnectMaxMs ?? 5e3
  };
  if (settings.urls.length === 0) throw new TypeError("url: is empty");
  for (const name of ["dialTimeoutMs", "requestTimeoutMs", "reconnectMinMs", "reconnectMaxMs"]) {
    if (!(settings[name] > 0)) throw new TypeError(`${name}: ${settings[name]} is not above 0`);
  }
  if (settings.reconnectMaxMs < settings.reconnectMinMs) {
    throw new TypeError(`reconnectMinMs, reconnectMaxMs: ${settings.reconnectMinMs} to ${settings.reconnectMaxMs} is not a range`);
  }
  return settings;
}
function ownGateway() {
  const here = globalThis.location;
  if (here === void 0) throw new TypeError("url: is missing, and there is no page to take it from");
  return `${here.protocol === "https:" ? "wss" : "ws"}://${here.host}/v1/ws`;
}

// client/js/src/shop.ts
var Shop = class {
  constructor(host, stock) {
    this.host = host;
    this.stock = stock;
  }
  host;
  stock;
  nextRequest = 1;
  watched = [];
  /** Counts the calls of watch that have not been answered. */
  watching = 0;
  /** The server knows of this next request number. */
  welcome(nextRequest) {
    this.nextRequest = Math.max(this.nextRequest, nextRequest);
  }
  async buy(p, o) {
    const own = p.request === void 0;
    p.request ??= this.nextRequest++;
    try {
      return await this.send(p, o);
    } catch (error) {
      if (!own || !(error instanceof RefusedError) || error.code !== "INVALID_ARGUMENT") throw error;
      const { nextRequest } = await this.getPlayer(o);
      if (nextRequest <= p.request) throw error;
      p.request = this.nextRequest++;
      return await this.send(p, o);
    }
  }
  async send(p, o) {
    const body = { request: integer(p.request), sku: p.sku, quantity: integer(p.quantity) };
    if (p.maxPrice) body.maxPrice = integer(p.maxPrice);
    return readBought(await this.host.request("buy", body, o));
  }
  async getPlayer(o) {
    const player = readPlayer(await this.host.request("getPlayer", {}, o));
    this.welcome(player.nextRequest);
    return player;
  }
  async catalog(prefix, o) {
    return readCatalog(await this.host.request("listCatalog", { prefix }, o));
  }
  async watch(skus, o) {
    this.watching++;
    try {
      const levels = messages(await this.host.request("watch", { skus }, o), "levels").map(readStockLevel);
      this.watched = skus;
      return levels;
    } finally {
      this.watching--;
    }
  }
  /** Another connection is there: the watched list belonged to the last one. */
  resume() {
    if (this.watched.length === 0 || this.watching > 0) return;
    this.watch(this.watched, { timeoutMs: Infinity }).then(
      (levels) => levels.forEach(this.stock),
      (error) => this.host.trouble(error)
    );
  }
};
function integer(n) {
  if (!Number.isSafeInteger(n)) throw new RangeError(`${n} is no whole number below 2^53`);
  return String(n);
}

// client/js/src/channel.ts
var keptLines = 100;
var shownPeople = 200;
var Channel = class {
  /** @internal */
  constructor(name, host) {
    this.name = name;
    this.host = host;
  }
  name;
  host;
  /** The latest lines, oldest first. */
  lines = [];
  /** How many are there; people may be fewer. */
  total = 0;
  known = /* @__PURE__ */ new Map();
  byEntity = /* @__PURE__ */ new Map();
  emitter = new Emitter();
  lastRequest = 0;
  /** Settled when the last line is; it never fails. */
  saying = Promise.resolve();
  /** What came while a refresh is under way, to be applied on top of it. */
  meanwhile;
  again = false;
  /** Who is there, by player; not all of them if there are many. */
  get people() {
    return [...this.known.values()].sort((a, b) => a.player < b.player ? -1 : 1);
  }
  /** Whose entity it is; undefined for a bot or somebody not heard of yet. */
  playerOf(entity) {
    return this.byEntity.get(entity);
  }
  on(name, listener) {
    return this.emitter.on(name, listener);
  }
  /**
   * Says something, once however often it must be sent, and returns the line's id.
   * Lines are said one after the other, in the order of the calls.
   */
  say(text2, o) {
    const said = this.saying.then(() => this.sayNext(text2, o));
    this.saying = said.catch(() => {
    });
    return said;
  }
  async sayNext(text2, o) {
    try {
      return await this.sayAs(this.nextRequest(), text2, o);
    } catch (error) {
      if (!(error instanceof RefusedError) || error.code !== "EXPIRED_REQUEST") throw error;
      return await this.sayAs(this.nextRequest(), text2, o);
    }
  }
  async sayAs(request, text2, o) {
    return number(await this.host.request("say", { channel: this.name, request: String(request), text: text2 }, o), "id");
  }
  /**
   * Numbers are the server's time in milliseconds, as near as this client knows it:
   * they increase over all of a player's devices and sessions.
   */
  nextRequest() {
    this.lastRequest = Math.max(this.lastRequest + 1, Math.floor(this.host.serverNow()));
    return this.lastRequest;
  }
  /**
   * Reads who is there and, by those who are there themselves, what was said. It
   * never fails: what goes wrong is told in the background.
   * @internal
   */
  async refresh(lines = true) {
    if (this.meanwhile !== void 0) {
      this.again = true;
      return;
    }
    do {
      this.meanwhile = [];
      this.again = false;
      try {
        await Promise.all([this.readPeople(), lines ? this.readLines(this.lastLine()) : void 0]);
      } catch (error) {
        this.host.trouble(error);
      } finally {
        this.meanwhile = void 0;
      }
    } while (this.again);
  }
  async readPeople() {
    const present = await this.host.request("who", { channel: this.name });
    this.replacePeople(readPeople(present, "people"), number(present, "total"));
  }
  async readLines(after) {
    const history = await this.host.request("readChat", { channel: this.name, after: String(after) });
    for (const line of messages(history, "lines")) this.hear(readChatLine(line));
  }
  replacePeople(people, total) {
    const before = new Map(this.known);
    this.known.clear();
    this.byEntity.clear();
    for (const p of people) this.add(p);
    this.total = total;
    for (const p of this.meanwhile ?? []) this.apply(p);
    const joined = this.people.filter((p) => before.get(p.player)?.entity !== p.entity);
    const left = [...before.values()].filter((p) => !this.known.has(p.player));
    if (joined.length + left.length === 0) return;
    this.emitter.emit("presence", { channel: this.name, joined, left, total: this.total });
  }
  add(p) {
    this.drop(p.player);
    this.known.set(p.player, p);
    if (p.entity !== 0) this.byEntity.set(p.entity, p.player);
  }
  drop(player) {
    const p = this.known.get(player);
    if (p === void 0) return;
    this.known.delete(player);
    if (this.byEntity.get(p.entity) === player) this.byEntity.delete(p.entity);
  }
  apply(p) {
    for (const person of p.left) this.drop(person.player);
    for (const person of p.joined) this.add(person);
    this.total = p.total;
  }
  /** @internal */
  meet(p) {
    this.meanwhile?.push(p);
    this.apply(p);
    this.emitter.emit("presence", p);
    if (this.total <= shownPeople && this.known.size !== this.total) void this.refresh(false);
  }
  /**
   * Takes a line in: lines may come twice and, after a reconnect, late.
   * @internal
   */
  hear(line) {
    const last = this.lastLine();
    let at = this.lines.length;
    while (at > 0 && this.lines[at - 1].id > line.id) at--;
    if (at > 0 && this.lines[at - 1].id === line.id) return;
    this.lines.splice(at, 0, line);
    if (this.lines.length > keptLines) this.lines.shift();
    this.emitter.emit("line", line);
    const missing = last > 0 && line.id > last + 1 && this.meanwhile === void 0;
    if (missing) this.readLines(last).catch((error) => this.host.trouble(error));
  }
  lastLine() {
    return this.lines.at(-1)?.id ?? 0;
  }
};

// client/js/src/group.ts
var Group = class {
  /** @internal */
  constructor(name, host, gone) {
    this.name = name;
    this.host = host;
    this.gone = gone;
    this.chat = new Channel(`group/${name}`, host);
  }
  name;
  host;
  gone;
  /** Who is a member and what is said. */
  chat;
  /** Ends the membership. */
  async leave(o) {
    await this.host.request("leaveGroup", { group: this.name }, o);
    this.gone(this);
  }
  /** @internal */
  async join(o) {
    await this.host.request("joinGroup", { group: this.name }, o);
    await this.chat.refresh();
  }
};

// client/js/src/protobuf.ts
var ProtobufReader = class _ProtobufReader {
  constructor(bytes) {
    this.bytes = bytes;
  }
  bytes;
  field = 0;
  wireType = 0;
  at = 0;
  /** Reads the next field's tag; false at the end. */
  next() {
    if (this.at === this.bytes.length) return false;
    const tag = this.readVarint();
    this.field = Math.floor(tag / 8);
    this.wireType = tag % 8;
    return true;
  }
  /** The field's value: an unsigned number below 2^53. */
  varint() {
    this.expect(0);
    return this.readVarint();
  }
  /** The field's values, whether packed or one of them alone. */
  varints() {
    if (this.wireType === 0) return [this.readVarint()];
    const packed = new _ProtobufReader(this.slice());
    const values = [];
    while (packed.at < packed.bytes.length) values.push(packed.readVarint());
    return values;
  }
  /** The field's bytes: a view into the message. */
  slice() {
    this.expect(2);
    return this.advance(this.readVarint());
  }
  text() {
    return decoder.decode(this.slice());
  }
  /** Passes over the field's value. */
  skip() {
    if (this.wireType === 0) this.readVarint();
    else if (this.wireType === 1) this.advance(8);
    else if (this.wireType === 2) this.advance(this.readVarint());
    else if (this.wireType === 5) this.advance(4);
    else throw new ProtocolError(`wire type ${this.wireType} in a message`);
  }
  expect(wireType) {
    if (this.wireType !== wireType) throw new ProtocolError(`field ${this.field} has wire type ${this.wireType}`);
  }
  advance(length) {
    const end = this.at + length;
    if (end > this.bytes.length) throw new ProtocolError("a message ends within a field");
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }
  readVarint() {
    let value = 0;
    for (let scale = 1; scale < 2 ** 53; scale *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === void 0) throw new ProtocolError("a message ends within a number");
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
    }
    throw new ProtocolError("a number in a message is too large");
  }
};
var decoder = new TextDecoder();

// client/js/src/worldmessage.ts
var seqField = 1;
var worldField = 11;
var worldKeyField = 12;
var worldGoneField = 13;
function readWorldMessage(bytes) {
  const message2 = { seq: 0 };
  for (const r = new ProtobufReader(bytes); r.next(); ) {
    if (r.field === seqField) message2.seq = r.varint();
    else if (r.field === worldField) message2.delta = readDelta(r.slice());
    else if (r.field === worldKeyField) message2.key = readKey(r.slice());
    else if (r.field === worldGoneField) message2.gone = readGone(r.slice());
    else r.skip();
  }
  return message2;
}
function readDelta(bytes) {
  const delta = { stream: 0, frame: none };
  for (const r = new ProtobufReader(bytes); r.next(); ) {
    if (r.field === 1) delta.stream = r.varint();
    else if (r.field === 2) delta.frame = r.slice();
    else r.skip();
  }
  return delta;
}
function readKey(bytes) {
  const key = { stream: 0, zone: "", cell: 0, frame: none };
  for (const r = new ProtobufReader(bytes); r.next(); ) {
    if (r.field === 1) key.stream = r.varint();
    else if (r.field === 2) key.zone = r.text();
    else if (r.field === 3) key.cell = r.varint();
    else if (r.field === 4) key.frame = r.slice();
    else r.skip();
  }
  return key;
}
function readGone(bytes) {
  const streams = [];
  for (const r = new ProtobufReader(bytes); r.next(); ) {
    if (r.field === 1) streams.push(...r.varints());
    else r.skip();
  }
  return streams;
}
var none = new Uint8Array(0);

// client/js/src/delta/coder.ts
var PROB_BITS = 18;
var COUNT_BITS = 8;
var COUNT_LIMIT = 255;
var UNKNOWN = 1 << PROB_BITS - 1 << COUNT_BITS;
var ONE = 1 << PROB_BITS;
var rates = Uint32Array.from({ length: COUNT_LIMIT + 1 }, (_, n) => Math.floor(131072 / (2 * n + 3)));
var ZERO = 0;
var SIGN = 1;
var LENGTH = 2;
var SMALL = LENGTH + 33;
var SMALL_LENGTH = 5;
var TOP = SMALL + (2 << SMALL_LENGTH);
var TOP_LENGTHS = 12;
var NUMBER = TOP + TOP_LENGTHS * 8;
var Coder = class {
  models;
  bytes = new Uint8Array(0);
  at = 0;
  lo = 0;
  hi = 4294967295;
  code = 0;
  constructor(models) {
    this.models = new Int32Array(models);
  }
  start(bytes) {
    this.bytes = bytes;
    this.at = 0;
    this.lo = 0;
    this.hi = 4294967295;
    this.code = 0;
    for (let i = 0; i < 4; i++) this.code = (this.code << 8 | this.next()) >>> 0;
  }
  /** More was decoded than was there. */
  get overrun() {
    return this.at > this.bytes.length + 4;
  }
  /** All that was there was needed. */
  get exhausted() {
    return this.at >= this.bytes.length && !this.overrun;
  }
  bit(m) {
    const model = this.models[m];
    let p = model >>> COUNT_BITS;
    let n = model & COUNT_LIMIT;
    const bit = this.fixed(p >>> PROB_BITS - 16 | 1);
    const rate = rates[n];
    if (bit) p += (ONE - p >>> PROB_BITS - 16) * rate >>> 32 - PROB_BITS;
    else p -= (p >>> PROB_BITS - 16) * rate >>> 32 - PROB_BITS;
    if (n < COUNT_LIMIT) n++;
    this.models[m] = p << COUNT_BITS | n;
    return bit;
  }
  /** Decodes a bit that is one with probability p/65536. */
  fixed(p) {
    const r = this.hi - this.lo;
    const mid = this.lo + (r >>> 16) * p + ((r & 65535) * p >>> 16);
    const bit = this.code <= mid ? 1 : 0;
    if (bit) this.hi = mid;
    else this.lo = mid + 1;
    while ((this.lo ^ this.hi) >>> 24 === 0) {
      this.lo = this.lo << 8 >>> 0;
      this.hi = (this.hi << 8 | 255) >>> 0;
      this.code = (this.code << 8 | this.next()) >>> 0;
    }
    return bit;
  }
  /** Decodes a number from 0 to 2^32-1. */
  unsigned(m) {
    return this.bit(m + ZERO) ? this.positive(m) : 0;
  }
  /** Decodes a signed 32-bit number. */
  signed(m) {
    return this.number(m + ZERO, m);
  }
  /** The same, but for zero and sign with the models from first. */
  number(first, m) {
    if (!this.bit(first + ZERO)) return 0;
    return this.bit(first + SIGN) ? -this.positive(m) | 0 : this.positive(m) | 0;
  }
  positive(m) {
    let length = 0;
    while (length < 31 && this.bit(m + LENGTH + length)) length++;
    let u = 1;
    let left = length;
    if (length <= SMALL_LENGTH) {
      for (; left > 0; left--) u = u * 2 + this.bit(m + SMALL + (1 << length) + u - 2);
      return u;
    }
    const top = m + TOP + Math.min(length - SMALL_LENGTH - 1, TOP_LENGTHS - 1) * 8;
    for (; left > length - 3; left--) u = u * 2 + this.bit(top + u);
    for (; left > 0; left--) u = u * 2 + this.fixed(1 << 15);
    return u;
  }
  /** The next byte, and zeros behind the end. */
  next() {
    return this.at < this.bytes.length ? this.bytes[this.at++] : (this.at++, 0);
  }
};

// client/js/src/delta/layout.ts
var POSITION = 1;
var ANGLE = 2;
var ENUMERATION = 4;
var MAX_FIELDS = 16;
var MAX_BITS = 24;
var STATES = 8;
var AGES = 32;
var HABITS = 8;
var CLASSES = 8;
var HINTS = 5;
var SIZES = 4;
var TREE_MAX = 4;
var Layout = class {
  constructor(fields) {
    this.fields = fields;
    fields.forEach((f, i) => {
      if (f.kind === POSITION) this.positions.push(i);
    });
    fields.forEach((f, i) => {
      if (f.kind === ANGLE && this.heading < 0 && this.positions.length >= 2) {
        this.heading = i;
        return;
      }
      if (f.kind === ENUMERATION && this.state < 0) this.state = i;
      if (f.kind !== POSITION) this.attrs.push(i);
    });
    this.tick = this.take(NUMBER);
    this.members = this.take(2);
    this.leaves = this.take(1);
    this.joins = this.take(NUMBER);
    this.id = this.take(NUMBER);
    this.joined = this.take(fields.length * NUMBER);
    this.attr = this.take(STATES * AGES);
    this.attrChanged = this.take(this.attrs.length * 2 * STATES);
    this.attrNumber = this.take(this.attrs.length * NUMBER);
    this.attrTree = this.take(this.attrs.length << 2 * TREE_MAX);
    this.straight = this.take(HABITS * CLASSES * 3 * 2 * 2);
    this.deviates = this.take(3 * CLASSES * CLASSES * HINTS);
    this.deviatesTo = this.take(CLASSES * HINTS);
    this.turns = this.take(CLASSES * 2 * STATES * 2);
    this.turn = this.take(SIZES * NUMBER);
    this.stops = this.take(2 * 3 * STATES);
    this.strays = this.take(SIZES * 4 * 2 * 3 * 2);
    this.stray = this.take(2 * 2 * NUMBER);
  }
  fields;
  positions = [];
  heading = -1;
  state = -1;
  attrs = [];
  models = 0;
  tick;
  members;
  leaves;
  joins;
  id;
  joined;
  attr;
  attrChanged;
  attrNumber;
  attrTree;
  straight;
  deviates;
  deviatesTo;
  turns;
  turn;
  stops;
  strays;
  stray;
  take(n) {
    const at = this.models;
    this.models += n;
    return at;
  }
};
function digest(fields) {
  let h = 2166136261;
  const add = (byte) => {
    h = Math.imul(h ^ byte, 16777619);
  };
  for (const f of fields) {
    const name = new TextEncoder().encode(f.name);
    add(f.kind);
    add(f.bits);
    add(name.length);
    name.forEach(add);
  }
  return h >>> 0;
}

// client/js/src/delta/line.ts
var MAX_LINE = 2048;
var MAX_PERIODS = 128;
var TRUSTED = 3;
var YOUNG = 8;
var MAX_VELOCITY = 1e3;
var SMOOTHING = 6;
var div = (a, b) => a / b | 0;
function clamp(v, low, high) {
  return v < low ? low : v > high ? high : v;
}
function classOf(n) {
  return n < 2 ? n : Math.min(33 - Math.clz32(n - 1), CLASSES - 1);
}
var Forecast = class {
  step = 0;
  rho = 0;
  up = false;
  down = false;
  get open() {
    return this.up || this.down;
  }
  allows(step) {
    const d = step - this.step | 0;
    return d === 0 || d === 1 && this.up || d === -1 && this.down;
  }
};
var Line = class {
  c = 0;
  a = 0;
  b = 1;
  rho = 0;
  n = 0;
  up0 = 0;
  up1 = 0;
  low0 = 0;
  low1 = 0;
  vel = 0;
  forecast(f) {
    f.step = this.c;
    f.rho = this.rho + this.a;
    if (f.rho >= this.b) {
      f.step = f.step + 1 | 0;
      f.rho -= this.b;
    }
    const open = this.n < MAX_PERIODS * this.b;
    f.up = open && f.rho === this.b - 1;
    f.down = open && f.rho === 0;
  }
  take(f, step) {
    if (f.allows(step)) this.follow(f, step - f.step | 0);
    else this.bend(step);
  }
  follow(f, deviation) {
    this.n++;
    if (deviation === 0) {
      this.rho = f.rho;
      if (this.rho === 0) this.up1 = this.n;
      else if (this.rho === this.b - 1) this.low1 = this.n;
    } else if (deviation > 0) {
      this.low0 = this.low1;
      this.up1 = this.n;
      this.turn(this.n - this.up0, 1);
      this.rho = 0;
    } else {
      this.up0 = this.up1;
      this.low1 = this.n;
      this.turn(this.n - this.low0, -1);
      this.rho = this.b - 1;
    }
    if (this.b === 1) this.up1 = this.low1 = this.n;
    if (this.n === MAX_LINE) this.forget();
    if (!this.needsVelocity) this.vel = 0;
  }
  get rests() {
    return (this.c | this.a) === 0;
  }
  get needsVelocity() {
    return this.n <= YOUNG || this.rests;
  }
  velocity() {
    if (this.n < TRUSTED) return this.vel;
    return (clamp(this.c, -MAX_VELOCITY, MAX_VELOCITY - 1) << 6) + div(this.a << 6, this.b);
  }
  smooth(velocity, step, gain) {
    const limit = MAX_VELOCITY << 6;
    const seen = clamp(step, -MAX_VELOCITY, MAX_VELOCITY) << 6;
    this.vel = clamp(velocity + div((seen - velocity) * gain, 16), -limit, limit);
  }
  /** The latest points with the least and the largest remainder; -1 for none. */
  lean() {
    let up = -1;
    let low = -1;
    let rho = this.rho;
    for (let i = this.n; i >= 0 && (up < 0 || low < 0); i--) {
      if (rho === 0 && up < 0) up = i;
      if (rho === this.b - 1 && low < 0) low = i;
      rho -= this.a;
      if (rho < 0) rho += this.b;
    }
    return [up, low];
  }
  bend(step) {
    this.c = step;
    this.a = this.rho = this.up0 = this.low0 = 0;
    this.b = this.n = this.up1 = this.low1 = 1;
  }
  turn(steps, sign) {
    const rise = div(this.a * steps + sign, this.b);
    this.a = rise;
    this.b = steps;
    if (rise >= steps) {
      this.c = this.c + 1 | 0;
      this.a -= steps;
    } else if (rise < 0) {
      this.c = this.c - 1 | 0;
      this.a += steps;
    }
  }
  forget() {
    const half = MAX_LINE / 2;
    if (this.up1 < half || this.low1 < half || this.b > half) {
      this.vel = this.velocity();
      this.bend(this.c);
      return;
    }
    const since = (first) => {
      if (first < half) first += div(half - first + this.b - 1, this.b) * this.b;
      return first - half;
    };
    this.n -= half;
    this.up1 -= half;
    this.low1 -= half;
    this.up0 = Math.min(since(this.up0), this.up1);
    this.low0 = Math.min(since(this.low0), this.low1);
  }
};

// client/js/src/delta/past.ts
var Past = class {
  age = 0;
  habit = 0;
  turn = 0;
  astray = false;
};
var MAX_AGE = 255;
function ageClass(age) {
  if (age < 24) return age;
  if (age < 64) return 24 + (age - 24 >> 3);
  if (age < 128) return 29;
  return age < MAX_AGE ? 30 : 31;
}
function turnClass(turn) {
  if (turn >= -2 && turn <= 2) return turn + 2;
  if (turn >= -8 && turn < 0) return 5;
  return turn > 0 && turn <= 8 ? 6 : 7;
}
function turnSize(turn) {
  if (turn === 0) return 0;
  if (turn >= -2 && turn <= 2) return 1;
  return turn >= -8 && turn <= 8 ? 2 : 3;
}
function hintClass(difference) {
  if (difference < -40) return 0;
  if (difference < -12) return 1;
  if (difference <= 12) return 2;
  return difference <= 40 ? 3 : 4;
}

// client/js/src/delta/heading.ts
var sines = Int32Array.of(
  0,
  402,
  804,
  1205,
  1606,
  2006,
  2404,
  2801,
  3196,
  3590,
  3981,
  4370,
  4756,
  5139,
  5520,
  5897,
  6270,
  6639,
  7005,
  7366,
  7723,
  8076,
  8423,
  8765,
  9102,
  9434,
  9760,
  10080,
  10394,
  10702,
  11003,
  11297,
  11585,
  11866,
  12140,
  12406,
  12665,
  12916,
  13160,
  13395,
  13623,
  13842,
  14053,
  14256,
  14449,
  14635,
  14811,
  14978,
  15137,
  15286,
  15426,
  15557,
  15679,
  15791,
  15893,
  15986,
  16069,
  16143,
  16207,
  16261,
  16305,
  16340,
  16364,
  16379,
  16384
);
var HALF_STEP = 201;
function sine(angle) {
  const a = angle & 63;
  switch (angle >> 6 & 3) {
    case 0:
      return sines[a];
    case 1:
      return sines[64 - a];
    case 2:
      return -sines[a];
    default:
      return -sines[64 - a];
  }
}
function turnTo(v, turn, heading) {
  let sin = sine(turn);
  let cos = sine(turn + 64);
  const x = v[0] * cos - v[1] * sin >> 14;
  const y = v[0] * sin + v[1] * cos >> 14;
  v[0] = x;
  v[1] = y;
  sin = sine(heading);
  cos = sine(heading + 64);
  const along = x * cos + y * sin >> 14;
  const across = y * cos - x * sin >> 14;
  if (along <= 0) return;
  const limit = turnSize(turn) > 1 ? 0 : along * HALF_STEP >> 14;
  const bent = Math.max(-limit, Math.min(across, limit));
  if (bent === across) return;
  v[0] = along * cos - bent * sin >> 14;
  v[1] = along * sin + bent * cos >> 14;
}
function in256(angle, bits) {
  return bits > 8 ? angle >> bits - 8 : angle << 8 - bits;
}
function wrapped(difference, bits) {
  return difference << 32 - bits >> 32 - bits;
}

// client/js/src/delta/rows.ts
var Rows = class {
  constructor(width) {
    this.width = width;
    this.values = new Uint32Array(16 * width);
  }
  width;
  length = 0;
  ids = new Uint32Array(16);
  values;
  /** Adds a row of zeros, and returns where its values begin. */
  append(id) {
    const at = this.length * this.width;
    if (this.length === this.ids.length) {
      this.ids = grown(this.ids);
      this.values = grown(this.values);
    }
    this.ids[this.length++] = id;
    this.values.fill(0, at, at + this.width);
    return at;
  }
  /** Adds a row of another table. */
  copy(from, row) {
    const at = this.append(from.ids[row]);
    const source = row * this.width;
    for (let f = 0; f < this.width; f++) this.values[at + f] = from.values[source + f];
  }
  copyAll(from) {
    while (this.ids.length < from.length) {
      this.ids = grown(this.ids);
      this.values = grown(this.values);
    }
    this.length = from.length;
    this.ids.set(from.ids.subarray(0, from.length));
    this.values.set(from.values.subarray(0, from.length * this.width));
  }
  /** Whether all values are within their fields' masks. */
  fits(masks) {
    const end = this.length * this.width;
    return masks.every((mask, f) => {
      let all = 0;
      for (let i = f; i < end; i += this.width) all |= this.values[i];
      return all >>> 0 <= mask;
    });
  }
  /** The hash of ids and values: Table.hash of proto/delta/table.go. */
  hash(tick) {
    let h = Math.imul(tick, 2654435761) + this.length | 0;
    for (let i = 0, at = 0; i < this.length; i++) {
      let row = Math.imul(this.ids[i], 2246822507);
      let k = 3266489909 | 0;
      for (let f = 0; f < this.width; f++) {
        row = row + Math.imul(this.values[at++] + 1, k) | 0;
        k = Math.imul(k, 739982445) + 2 | 0;
      }
      row ^= row >>> 15;
      h = Math.imul((h << 5 | h >>> 27) ^ row, 695872825);
    }
    h ^= h >>> 16;
    h = Math.imul(h, 2246822507);
    return (h ^ h >>> 13) >>> 0;
  }
};
function grown(a) {
  const b = new Uint32Array(a.length * 2);
  b.set(a);
  return b;
}

// client/js/src/delta/state.ts
var MAX_ENTITIES = 4096;
var State = class {
  constructor(layout) {
    this.layout = layout;
    this.coder = new Coder(layout.models);
    this.coder.models.fill(UNKNOWN);
    this.masks = layout.fields.map((f) => 2 ** f.bits - 1);
    this.rows = new Rows(layout.fields.length);
    this.next = new Rows(layout.fields.length);
    this.joined = new Uint32Array(layout.fields.length);
    this.forecasts = layout.positions.map(() => new Forecast());
    this.velocities = new Int32Array(layout.positions.length);
  }
  layout;
  coder;
  masks;
  rows;
  next;
  /** Row by row, one for each position. */
  lines = [];
  pasts = [];
  joined;
  moved = false;
  forecasts;
  velocities;
  /** Decodes next from rows. Returns the tick, or undefined when no encoder made these bytes. */
  frame(bytes, tick) {
    const { coder, layout, next } = this;
    coder.start(bytes);
    tick = tick + 1 + coder.unsigned(layout.tick) >>> 0;
    const origin = this.members();
    if (!origin) return void 0;
    const width = next.width;
    for (let i = 0; i < next.length; i++) {
      if (origin !== true && origin[i] < 0) continue;
      const past = this.pasts[i];
      const changed = layout.attrs.length > 0 && this.attributes(i * width, past);
      if (layout.positions.length > 0) this.motion(i, past, changed);
    }
    return coder.exhausted && next.fits(this.masks) ? tick : void 0;
  }
  /** Makes next the table, and keeps the memory of the other one. */
  swap() {
    [this.rows, this.next] = [this.next, this.rows];
  }
  /** Decodes who has left and joined. Returns of each row of next where it was, -1 for nowhere; true when all are where they were. */
  members() {
    const { coder, layout, rows, next } = this;
    this.moved = coder.bit(layout.members + (this.moved ? 1 : 0)) === 1;
    if (!this.moved) {
      next.copyAll(rows);
      return true;
    }
    const kept2 = [];
    for (let i = 0; i < rows.length; i++) if (!coder.bit(layout.leaves)) kept2.push(i);
    const joins = coder.unsigned(layout.joins);
    if (joins > MAX_ENTITIES - kept2.length || coder.overrun) return void 0;
    next.length = 0;
    const origin = [];
    let k = 0;
    const keep = () => {
      next.copy(rows, kept2[k]);
      origin.push(kept2[k++]);
    };
    for (let j = 0, last = -1; j < joins; j++) {
      const id = last + 1 + coder.unsigned(layout.id) >>> 0;
      if (id <= last || coder.overrun) return void 0;
      while (k < kept2.length && rows.ids[kept2[k]] < id) keep();
      if (k < kept2.length && rows.ids[kept2[k]] === id) return void 0;
      last = id;
      if (!this.join(next.append(id))) return void 0;
      origin.push(-1);
    }
    while (k < kept2.length) keep();
    const { positions } = layout;
    const lines = [];
    for (const from of origin) {
      for (let p = 0; p < positions.length; p++) lines.push(from < 0 ? new Line() : this.lines[from * positions.length + p]);
    }
    this.lines = lines;
    this.pasts = origin.map((from) => from < 0 ? new Past() : this.pasts[from]);
    return origin;
  }
  /** Decodes the values of one who joins, by their differences to the last one who did. */
  join(at) {
    const { coder, layout, joined, masks } = this;
    for (let f = 0; f < joined.length; f++) {
      const v = joined[f] + coder.signed(layout.joined + f * NUMBER) >>> 0;
      if (v > masks[f]) return false;
      this.next.values[at + f] = v;
    }
    joined.set(this.next.values.subarray(at, at + joined.length));
    return true;
  }
  // From here on the rows of next hold the values of the frame before until they
  // are decoded.
  stateOf(at) {
    const { state } = this.layout;
    return state < 0 ? 0 : Math.min(this.next.values[at + state], STATES - 1);
  }
  attributes(at, past) {
    const { coder, layout } = this;
    const state = this.stateOf(at);
    if (!coder.bit(layout.attr + state * AGES + ageClass(past.age))) {
      past.age = Math.min(past.age + 1, MAX_AGE);
      return false;
    }
    past.age = 0;
    let some = 0;
    layout.attrs.forEach((f, i) => {
      if (!coder.bit(layout.attrChanged + (i * 2 + some) * STATES + state)) return;
      this.next.values[at + f] = this.attribute(i, f, this.next.values[at + f]);
      some = 1;
    });
    return true;
  }
  attribute(i, f, was) {
    const { coder, layout, masks } = this;
    const { kind, bits } = layout.fields[f];
    if (kind === ENUMERATION && bits <= TREE_MAX) {
      const m = layout.attrTree + (i << 2 * TREE_MAX) + (was << TREE_MAX);
      let v2 = 1;
      for (let b = 0; b < bits; b++) v2 = v2 << 1 | coder.bit(m + v2);
      return v2 & masks[f];
    }
    const v = was + coder.signed(layout.attrNumber + i * NUMBER);
    return kind === ANGLE ? v & masks[f] : v >>> 0;
  }
  motion(i, past, changed) {
    const { coder, layout, forecasts, next } = this;
    const { positions } = layout;
    const first = i * positions.length;
    let open = 0;
    let youth = MAX_LINE;
    let rest = 1;
    for (let k = 0; k < positions.length; k++) {
      const line = this.lines[first + k];
      const forecast = forecasts[k];
      line.forecast(forecast);
      if (forecast.open) open++;
      if (!line.rests) rest = 0;
      if (line.n < youth) youth = line.n;
    }
    const m = (((past.habit * CLASSES + classOf(youth)) * 3 + Math.min(open, 2)) * 2 + rest) * 2 + (changed ? 1 : 0);
    const straight = coder.bit(layout.straight + m);
    past.habit = (past.habit << 1 | straight) & HABITS - 1;
    const at = i * next.width;
    if (!straight) {
      this.move(at, first, past, rest);
      return;
    }
    past.turn = 0;
    for (let k = 0; k < positions.length; k++) {
      const line = this.lines[first + k];
      const forecast = forecasts[k];
      const deviation = forecast.open ? this.choose(line, forecast) : 0;
      const step = forecast.step + deviation | 0;
      line.follow(forecast, deviation);
      if (line.n <= TRUSTED) line.smooth(line.vel, step, SMOOTHING);
      next.values[at + positions[k]] += step;
    }
  }
  /** Decodes by how much a step deviates from the forecast: not at all, or by 1 or -1. */
  choose(line, forecast) {
    const { coder, layout } = this;
    let which = forecast.down ? forecast.up ? 2 : 1 : 0;
    const hint = line.n <= YOUNG ? hintClass(line.vel - (forecast.step << 6) | 0) : 2;
    const periods = classOf(line.n / line.b | 0);
    if (!coder.bit(layout.deviates + ((which * CLASSES + periods) * CLASSES + classOf(line.b)) * HINTS + hint)) return 0;
    if (which === 2) which = coder.bit(layout.deviatesTo + periods * HINTS + hint);
    return which === 0 ? 1 : -1;
  }
  move(at, first, past, rest) {
    const { coder, layout, next, velocities } = this;
    const { heading, positions } = layout;
    const state = this.stateOf(at);
    let turning = 2;
    if (heading >= 0) {
      const { bits } = layout.fields[heading];
      const m = layout.turns + ((turnClass(past.turn) * 2 + rest) * STATES + state) * 2;
      const turn = coder.number(m, layout.turn + turnSize(past.turn) * NUMBER);
      next.values[at + heading] = next.values[at + heading] + turn & this.masks[heading];
      past.turn = in256(wrapped(turn, bits), bits);
      turning = turn === 0 ? 0 : 1;
    }
    const stop = coder.bit(layout.stops + (rest * 3 + turning) * STATES + state);
    for (let k = 0; k < positions.length; k++) {
      const line = this.lines[first + k];
      velocities[k] = rest ? line.vel : line.velocity();
    }
    if (!stop) {
      this.stray(at, first, past, rest);
      return;
    }
    for (let k = 0; k < positions.length; k++) {
      const line = this.lines[first + k];
      line.vel = velocities[k];
      line.take(this.forecasts[k], 0);
    }
  }
  stray(at, first, past, rest) {
    const { coder, layout, next, velocities: vs } = this;
    const { heading, positions } = layout;
    if (heading >= 0) turnTo(vs, past.turn, in256(next.values[at + heading], layout.fields[heading].bits));
    const swap = positions.length > 1 && Math.abs(vs[1]) > Math.abs(vs[0]) ? 1 : 0;
    const size = turnSize(past.turn);
    const steps = new Int32Array(positions.length);
    let far = 0;
    for (let i = 0; i < positions.length; i++) {
      const k = i < 2 ? i ^ swap : i;
      const v = vs[k] + 32;
      const part = Math.min(i, 1) + far;
      const m = layout.strays + (((size * 4 + ((v & 63) >> 4)) * 2 + rest) * 3 + part) * 2;
      const astray = coder.number(m, layout.stray + ((size === 3 ? 2 : 0) + rest) * NUMBER);
      const step = (v >> 6) + astray | 0;
      steps[k] = step;
      next.values[at + positions[k]] += step;
      this.lines[first + k].take(this.forecasts[k], step);
      if (Math.abs(astray) > 2) {
        far = 1;
        if (i === 0 && positions.length > 1 && Math.abs(vs[k]) > 64 && Math.abs(step) < 512) {
          vs[1 - k] = vs[1 - k] * step * 64 / vs[k];
        }
      }
    }
    const gain = far === 0 ? SMOOTHING : past.turn === 0 && !past.astray ? 0 : 16;
    past.astray = far !== 0;
    for (let k = 0; k < positions.length; k++) {
      const line = this.lines[first + k];
      if (line.needsVelocity) line.smooth(vs[k], steps[k], gain);
    }
  }
};

// client/js/src/delta/keyframe.ts
var COUNT = 0;
var ID = COUNT + NUMBER;
var LEARNT = ID + NUMBER;
var BITS = LEARNT + 2;
var HIGH = BITS + NUMBER;
var HIGH_BITS = 5;
var LINE = HIGH + (1 << HIGH_BITS);
var PAST = LINE + 10 * NUMBER;
var FIELDS = PAST + 3 * NUMBER;
var Keyframe = class {
  constructor(layout) {
    this.layout = layout;
    this.coder = new Coder(FIELDS + layout.fields.length * NUMBER);
  }
  layout;
  coder;
  /** Decodes rows into state.next and all else into the state. False when no encoder made these bytes. */
  decode(body, state) {
    const { coder, layout } = this;
    coder.models.fill(UNKNOWN);
    coder.start(body);
    const rows = state.next;
    rows.length = 0;
    state.lines = [];
    state.pasts = [];
    const count = coder.unsigned(COUNT);
    if (count > MAX_ENTITIES) return false;
    let before = new Uint32Array(layout.fields.length);
    for (let i = 0, last = -1; i < count; i++) {
      if (coder.overrun) return false;
      const id = last + 1 + coder.unsigned(ID) >>> 0;
      if (i > 0 && id <= last) return false;
      last = id;
      before = this.row(before, rows, rows.append(id));
      for (let k = 0; k < layout.positions.length; k++) {
        const line = this.line();
        if (!line) return false;
        state.lines.push(line);
      }
      const past = this.past();
      if (!past) return false;
      state.pasts.push(past);
    }
    for (let f = 0; f < layout.fields.length; f++) state.joined[f] = coder.signed(FIELDS + f * NUMBER);
    state.moved = coder.fixed(1 << 15) === 1;
    const fit = state.masks.every((mask, f) => state.joined[f] <= mask) && rows.fits(state.masks);
    return fit && this.models(state.coder.models) && coder.exhausted;
  }
  row(before, rows, at) {
    const row = rows.values.subarray(at, at + rows.width);
    for (let f = 0; f < row.length; f++) row[f] = before[f] + this.coder.signed(FIELDS + f * NUMBER);
    return row;
  }
  line() {
    const { coder } = this;
    let m = LINE;
    const number2 = () => {
      const v = coder.unsigned(m) | 0;
      m += NUMBER;
      return v;
    };
    const l = new Line();
    l.n = number2();
    l.b = number2() + 1 | 0;
    l.a = number2();
    l.rho = number2();
    l.c = coder.signed(m);
    m += NUMBER;
    if (l.n < 0 || l.n >= MAX_LINE || l.b < 1 || l.b >= MAX_LINE || l.a < 0 || l.a >= l.b || l.rho < 0 || l.rho >= l.b) return void 0;
    if (Math.abs(l.c) > 1 << MAX_BITS) return void 0;
    const [up, low] = l.lean();
    const points = (latest) => {
      const after = number2();
      const before = number2();
      const most = latest / l.b | 0;
      if (latest < 0 || after < 0 || after > most || before < 0 || before > most - after) return void 0;
      const last = latest - after * l.b;
      return [last - before * l.b, last];
    };
    const ups = points(up);
    if (!ups) return void 0;
    const lows = points(low);
    if (!lows) return void 0;
    [l.up0, l.up1] = ups;
    [l.low0, l.low1] = lows;
    if (l.needsVelocity) l.vel = coder.signed(m);
    return Math.abs(l.vel) <= MAX_VELOCITY << 6 ? l : void 0;
  }
  past() {
    const { coder } = this;
    const p = new Past();
    p.age = coder.unsigned(PAST) | 0;
    p.habit = coder.unsigned(PAST + NUMBER);
    p.turn = coder.signed(PAST + 2 * NUMBER);
    p.astray = coder.fixed(1 << 15) === 1;
    return p.age >= 0 && p.age <= MAX_AGE && p.habit < HABITS && Math.abs(p.turn) <= 128 ? p : void 0;
  }
  /** Decodes of each model whether it has learnt anything, and what. */
  models(models) {
    const { coder } = this;
    let learnt = 0;
    for (let i = 0; i < models.length; i++) {
      learnt = coder.bit(LEARNT + learnt);
      if (!learnt) {
        models[i] = UNKNOWN;
        continue;
      }
      const n = (coder.unsigned(BITS) ^ COUNT_LIMIT) >>> 0;
      if (n > COUNT_LIMIT || coder.overrun) return false;
      let p = 1;
      for (let b = 0; b < HIGH_BITS; b++) p = p << 1 | coder.bit(HIGH + p);
      for (let b = HIGH_BITS; b < PROB_BITS; b++) p = p << 1 | coder.fixed(1 << 15);
      models[i] = (p & (1 << PROB_BITS) - 1) << COUNT_BITS | n;
    }
    return true;
  }
};

// client/js/src/delta.ts
var DeltaError = class extends Error {
  constructor(code) {
    super(`delta frame: ${code}`);
    this.code = code;
  }
  code;
  name = "DeltaError";
};
var VERSION = 1;
var KEY_FLAG = 16;
var EPOCH_MASK = 15;
var DELTA_HEADER = 4;
var MAX_HZ = 1e3;
var DeltaDecoder = class {
  header = { key: false, epoch: 0, seq: 0, tick: 0, start: 0, hz: 1 };
  table = { length: 0, ids: new Uint32Array(0), values: new Uint32Array(0) };
  state;
  keyframe;
  schema;
  lost = true;
  /** Values of a field are below 2^bits; kinds are the numbers of client.v1.FieldKind. */
  constructor(fields) {
    check(fields);
    const layout = new Layout(fields.map((f) => ({ ...f })));
    this.schema = digest(fields);
    this.state = new State(layout);
    this.keyframe = new Keyframe(layout);
  }
  /** Takes the next frame, or throws a DeltaError. */
  decode(frame) {
    try {
      if (frame.length < DELTA_HEADER) throw new DeltaError("malformed");
      if (frame[0] >> 5 !== VERSION) throw new DeltaError("version");
      this.header = frame[0] & KEY_FLAG ? this.decodeKey(frame) : this.decodeDelta(frame);
    } catch (error) {
      if (!(error instanceof DeltaError && error.code === "stale")) this.lost = true;
      throw error;
    }
    this.lost = false;
    const { length, ids, values, width } = this.state.rows;
    this.table = { length, ids: ids.subarray(0, length), values: values.subarray(0, length * width) };
  }
  decodeDelta(frame) {
    const { header, state } = this;
    if (this.lost) throw new DeltaError("nokey");
    const newer = frame[0] - header.epoch % 16 & EPOCH_MASK;
    if (newer > EPOCH_MASK >> 1) throw new DeltaError("stale");
    if (newer > 0) throw new DeltaError("gap");
    const ahead = frame[1] - header.seq % 256 & 255;
    if (ahead === 0 || ahead >= 128) throw new DeltaError("stale");
    if (ahead > 1) throw new DeltaError("gap");
    const tick = state.frame(frame.subarray(DELTA_HEADER), header.tick);
    if (tick === void 0) throw new DeltaError("malformed");
    if (state.next.hash(tick) >>> 16 !== (frame[2] << 8 | frame[3])) throw new DeltaError("hash");
    state.swap();
    return { ...header, key: false, seq: header.seq + 1, tick };
  }
  decodeKey(frame) {
    if (frame.length < 5) throw new DeltaError("malformed");
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    if (view.getUint32(1) !== this.schema) throw new DeltaError("version");
    let at = 5;
    const whole = () => {
      for (let v = 0, unit2 = 1, n = 0; n < 10 && at < frame.length; n++, unit2 *= 128) {
        const byte = frame[at++];
        v += (byte & 127) * unit2;
        if (v > Number.MAX_SAFE_INTEGER) break;
        if (byte < 128) return v;
      }
      throw new DeltaError("malformed");
    };
    const [epoch, seq, tick, start, hz] = [whole(), whole(), whole(), whole(), whole()];
    if (seq < 1 || tick > 4294967295 || start > Number.MAX_SAFE_INTEGER / 2 || hz < 1 || hz > MAX_HZ) throw new DeltaError("malformed");
    if (epoch % 16 !== (frame[0] & EPOCH_MASK)) throw new DeltaError("malformed");
    const header = { key: true, epoch, seq, tick, start, hz };
    if (this.stale(header)) throw new DeltaError("stale");
    const end = frame.length - 4;
    if (at > end) throw new DeltaError("malformed");
    const { state } = this;
    if (!this.keyframe.decode(frame.subarray(at, end), state)) throw new DeltaError("malformed");
    if ((checksum(frame, end) ^ state.next.hash(tick)) >>> 0 !== view.getUint32(end)) throw new DeltaError("hash");
    state.swap();
    return header;
  }
  /** Whether a keyframe is of an older epoch or, unless one is needed, not newer than the last frame. */
  stale(header) {
    const had = this.header;
    if (header.epoch !== had.epoch) return header.epoch < had.epoch;
    if (this.lost) return false;
    if (header.start === had.start) return header.seq <= had.seq;
    return millis(header) <= millis(had);
  }
};
function millis(header) {
  return header.start + Math.floor(header.tick * 1e3 / header.hz);
}
function checksum(bytes, end) {
  let h = 2166136261;
  for (let i = 0; i < end; i++) h = Math.imul(h ^ bytes[i], 16777619);
  return h;
}
function check(fields) {
  const wrong2 = (what) => {
    throw new RangeError(`delta schema: ${what}`);
  };
  if (fields.length < 1 || fields.length > MAX_FIELDS) wrong2(`${fields.length} fields`);
  for (const { name, kind, bits } of fields) {
    if (!Number.isInteger(kind) || kind < POSITION || kind > ENUMERATION) wrong2(`field ${name}: no kind ${kind}`);
    if (!Number.isInteger(bits) || bits < 1 || bits > MAX_BITS) wrong2(`field ${name}: ${bits} bits`);
  }
}

// client/js/src/cell.ts
var kinds = { POSITION: 1, ANGLE: 2, LEVEL: 3, ENUMERATION: 4 };
var resyncMs = 1e3;
var Cell = class {
  constructor(stream, number2, fields) {
    this.stream = stream;
    this.number = number2;
    this.decoder = new DeltaDecoder(fields.map((f) => ({ name: f.name, kind: kinds[f.kind], bits: f.bits })));
  }
  stream;
  number;
  /** The ids of the entities that the last frame had. */
  ids = /* @__PURE__ */ new Set();
  /** A frame was missing, and a keyframe has not come yet. */
  lost = false;
  decoder;
  askedAt = -Infinity;
  take(frame) {
    try {
      this.decoder.decode(frame);
      return "taken";
    } catch (error) {
      if (!(error instanceof DeltaError)) throw error;
      return error.code === "stale" ? "stale" : "lost";
    }
  }
  /** Whether it is time to ask for a keyframe, and if so remembers that it was asked for. */
  asks(nowMs) {
    if (nowMs - this.askedAt < resyncMs) return false;
    this.askedAt = nowMs;
    return true;
  }
  get table() {
    return this.decoder.table;
  }
  /** The last frame was a keyframe. */
  get key() {
    return this.decoder.header.key;
  }
  /** The last frame, as events tell it. */
  get frame() {
    const { key, epoch, seq, tick } = this.decoder.header;
    return { cell: this.number, key, epoch, seq, tick, moment: this.moment, table: this.table };
  }
  /** The time between two ticks. */
  get tickMs() {
    return 1e3 / this.decoder.header.hz;
  }
  /** The moment of the last frame, in the owner's milliseconds since 1970. */
  get moment() {
    const { header } = this.decoder;
    return header.start + header.tick * 1e3 / header.hz;
  }
};

// client/js/src/playout.ts
var windowMs = 2500;
var jumpMs = 250;
var drift = 0.1;
var Playout = class {
  constructor(bufferMs) {
    this.bufferMs = bufferMs;
  }
  bufferMs;
  /** The least delays of this window and of the one before it. */
  least = Infinity;
  leastBefore = Infinity;
  windowEnds = 0;
  /** The delay in use, and when it was looked at last. */
  delay = NaN;
  lookedAt = 0;
  /** A frame of the world's moment worldMs has arrived at nowMs, by the local clock. */
  arrived(worldMs, nowMs) {
    if (nowMs >= this.windowEnds) {
      this.leastBefore = this.least;
      this.least = Infinity;
      this.windowEnds = nowMs + windowMs;
    }
    this.least = Math.min(this.least, nowMs - worldMs);
  }
  /** The world's moment to show at nowMs. */
  at(nowMs) {
    const wanted = Math.min(this.least, this.leastBefore) + this.bufferMs;
    if (wanted === Infinity) return -Infinity;
    const off = wanted - this.delay;
    if (!(Math.abs(off) <= jumpMs)) this.delay = wanted;
    else {
      const most = Math.max(0, nowMs - this.lookedAt) * drift;
      this.delay += Math.max(-most, Math.min(most, off));
    }
    this.lookedAt = nowMs;
    return nowMs - this.delay;
  }
};

// client/js/src/track.ts
var keptSamples = 32;
var unit = 100;
var leap = 1;
var EntityState = { idle: 0, walking: 1, striking: 2, hurt: 3, dead: 4 };
var Track = class {
  constructor(id, fields, maxSpeed) {
    this.id = id;
    this.fields = fields;
    this.maxSpeed = maxSpeed;
    this.values = new Float64Array(keptSamples * fields.length);
    this.shown = { id, player: void 0, self: false, x: 0, y: 0, heading: 0, hp: 0, state: 0 };
  }
  id;
  fields;
  maxSpeed;
  /** The stream that had it last; 0 when that stream has ended. */
  stream = 0;
  /** The moment from which it is gone; Infinity while it is there. */
  leftAt = Infinity;
  /** What entities() hands out. */
  shown;
  times = new Float64Array(keptSamples);
  values;
  /** How many samples were taken in all; the newest is at (taken-1) % keptSamples. */
  taken = 0;
  /** The moment of the newest sample. */
  get newest() {
    return this.taken === 0 ? -Infinity : this.times[(this.taken - 1) % keptSamples];
  }
  /**
   * Takes the entity's values at a moment: those of its row in a table. since is
   * the moment until which it is known to have stayed as it was, 0 for unknown.
   */
  take(at, row, offset, since) {
    const { newest } = this;
    if (at <= newest) {
      if (newest - at < 1e3) return;
      this.taken = 0;
    }
    if (this.taken > 0 && since > newest + 0.5) this.push(since, this.values, (this.taken - 1) % keptSamples * this.fields.length);
    this.push(at, row, offset);
  }
  push(at, row, offset) {
    const slot = this.taken++ % keptSamples;
    this.times[slot] = at;
    for (let f = 0; f < this.fields.length; f++) this.values[slot * this.fields.length + f] = row[offset + f];
  }
  /** Fills in what to show of a moment. */
  showAt(moment) {
    const oldest = Math.max(0, this.taken - keptSamples);
    let before = this.taken - 1;
    while (before > oldest && this.times[before % keptSamples] > moment) before--;
    const after = Math.min(before + 1, this.taken - 1);
    const from = this.times[before % keptSamples];
    const span = this.times[after % keptSamples] - from;
    const share = span > 0 ? Math.min(1, Math.max(0, (moment - from) / span)) : 0;
    const reach = (leap + this.maxSpeed * span / 1e3) * unit;
    const width = this.fields.length;
    for (let f = 0; f < width; f++) {
      const a = this.values[before % keptSamples * width + f];
      const b = this.values[after % keptSamples * width + f];
      this.shown[this.fields[f].name] = between(this.fields[f], a, b, share, reach);
    }
    return this.shown;
  }
};
function between(field2, a, b, share, reach) {
  switch (field2.kind) {
    case "POSITION":
      return (Math.abs(b - a) > reach ? a : a + (b - a) * share) / unit;
    case "ANGLE": {
      const turn = 2 ** field2.bits;
      const half = turn / 2;
      const shortest = (b - a + half + turn) % turn - half;
      return (a + shortest * share) / turn * 2 * Math.PI;
    }
    default:
      return a;
  }
}

// client/js/src/scene.ts
var leastBufferMs = 100;
var bufferTicks = 1.5;
var lateMs = 250;
var orphanMs = 3e3;
var Scene = class {
  constructor(zone, fields) {
    this.zone = zone;
    this.fields = fields;
    this.playout = new Playout(Math.max(leastBufferMs, bufferTicks * 1e3 / (zone.hz || 20)));
  }
  zone;
  fields;
  playout;
  tracks = /* @__PURE__ */ new Map();
  /** From then on, by the local clock, tracks without a stream are dropped. */
  sweepAt = Infinity;
  /** Takes in what a cell's frame says. */
  take(cell, nowMs) {
    const { moment, table, tickMs } = cell;
    this.playout.arrived(moment, nowMs);
    const since = cell.key ? 0 : moment - tickMs;
    const ids = /* @__PURE__ */ new Set();
    for (let i = 0; i < table.length; i++) {
      const id = table.ids[i];
      ids.add(id);
      this.track(id, cell.stream).take(moment, table.values, i * this.fields.length, since);
    }
    for (const id of cell.ids) {
      const track = ids.has(id) ? void 0 : this.tracks.get(id);
      if (track?.stream === cell.stream) track.leftAt = moment + lateMs;
    }
    cell.ids = ids;
  }
  track(id, stream) {
    let track = this.tracks.get(id);
    if (track === void 0) {
      track = new Track(id, this.fields, this.zone.maxSpeed);
      this.tracks.set(id, track);
    }
    track.stream = stream;
    track.leftAt = Infinity;
    return track;
  }
  /** A cell is out of sight: what was in it is too, unless another has it. */
  leave(cell) {
    for (const id of cell.ids) {
      const track = this.tracks.get(id);
      if (track?.stream === cell.stream) track.leftAt = track.newest;
    }
  }
  /** The streams have ended with their connection. Their entities stay until others show them. */
  freeze() {
    this.sweepAt = Infinity;
    for (const track of this.tracks.values()) track.stream = 0;
  }
  /** New streams have begun. */
  thaw(nowMs) {
    this.sweepAt = nowMs + orphanMs;
  }
  /** Where everything is to be shown at a moment of the local clock. */
  entities(nowMs) {
    const moment = this.playout.at(nowMs);
    const shown = [];
    for (const track of this.tracks.values()) {
      if (track.leftAt <= moment || track.stream === 0 && nowMs > this.sweepAt) this.tracks.delete(track.id);
      else shown.push(track.showAt(moment));
    }
    return shown;
  }
};

// client/js/src/stats.ts
var seconds = 3;
var weight = 0.1;
var Meter = class {
  keyframes = 0;
  gaps = 0;
  stale = 0;
  clamped = 0;
  frames = 0;
  latencyMs = 0;
  /** By second, modulo the number of buckets. */
  buckets = Array.from({ length: seconds + 1 }, () => ({ second: -1, bytes: 0, frames: 0, deltaBytes: 0, fullBytes: 0 }));
  since = NaN;
  /** A frame has arrived; full is the size of the snapshot that it stands for, 0 for a keyframe. */
  count(nowMs, bytes, full) {
    if (Number.isNaN(this.since)) this.since = nowMs;
    this.frames++;
    const bucket = this.bucket(Math.floor(nowMs / 1e3));
    bucket.bytes += bytes;
    bucket.frames++;
    if (full === 0) return;
    bucket.deltaBytes += bytes;
    bucket.fullBytes += full;
  }
  latency(ms) {
    this.latencyMs = this.latencyMs === 0 ? ms : this.latencyMs + (ms - this.latencyMs) * weight;
  }
  bucket(second) {
    const bucket = this.buckets[second % this.buckets.length];
    if (bucket.second !== second) Object.assign(bucket, { second, bytes: 0, frames: 0, deltaBytes: 0, fullBytes: 0 });
    return bucket;
  }
  read(nowMs) {
    const second = Math.floor(nowMs / 1e3);
    const lately = this.buckets.filter((b) => b.second >= second - seconds);
    const sum = (field2) => lately.reduce((n, b) => n + b[field2], 0);
    const span = Math.max(0.25, Math.min((nowMs - this.since) / 1e3, nowMs / 1e3 - (second - seconds)));
    const perSecond = (n) => Number.isNaN(span) ? 0 : n / span;
    const deltaBytes = sum("deltaBytes");
    return {
      bytesPerSecond: perSecond(sum("bytes")),
      framesPerSecond: perSecond(sum("frames")),
      frames: this.frames,
      keyframes: this.keyframes,
      gaps: this.gaps,
      stale: this.stale,
      ratio: deltaBytes === 0 ? 0 : sum("fullBytes") / deltaBytes,
      latencyMs: this.latencyMs,
      clamped: this.clamped
    };
  }
};
function snapshotBytes(ids, values, length, stride) {
  let size = 0;
  for (let i = 0; i < length; i++) {
    let row = field(ids[i]);
    for (let f = 0; f < stride; f++) row += field(values[i * stride + f]);
    size += 1 + varint(row) + row;
  }
  return size;
}
function field(value) {
  return value === 0 ? 0 : 1 + varint(value);
}
function varint(value) {
  if (value < 128) return 1;
  if (value < 16384) return 2;
  if (value < 2097152) return 3;
  return value < 268435456 ? 4 : 5;
}

// client/js/src/steering.ts
var spacingMs = 100;
var againMs = 1e3;
var timeoutMs = 5e3;
var Steering = class {
  constructor(zone, host, clamped, refused) {
    this.zone = zone;
    this.host = host;
    this.clamped = clamped;
    this.refused = refused;
  }
  zone;
  host;
  clamped;
  refused;
  wanted;
  sentAt = -Infinity;
  settled = true;
  running = false;
  ended = false;
  /** From now on the player wants this: { steer: … } or { walk: … }. */
  want(action) {
    const same = JSON.stringify(action) === JSON.stringify(this.wanted);
    if (same && (!this.settled || performance.now() - this.sentAt < againMs)) return;
    this.wanted = action;
    this.settled = false;
    void this.run();
  }
  /** The zone may have forgotten what the player wants: it has another owner, or the connection was lost. */
  repeat() {
    if (this.wanted === void 0) return;
    this.settled = false;
    void this.run();
  }
  end() {
    this.ended = true;
  }
  async run() {
    if (this.running) return;
    this.running = true;
    while (!this.settled && !this.ended) {
      this.settled = true;
      this.sentAt = performance.now();
      let pauseMs = spacingMs;
      try {
        const body = { zone: this.zone, ...this.wanted };
        const intended = await this.host.request("intent", body, { timeoutMs, resend: false, retry: false });
        if (flag(intended, "clamped")) this.clamped();
      } catch (error) {
        if (error instanceof RefusedError && error.unsettled) {
          this.settled = false;
          pauseMs = Math.max(pauseMs, error.retryAfterMs);
        } else if (error instanceof RefusedError) this.refused(error);
        else if (error instanceof DeadlineError) this.settled = false;
        else if (!(error instanceof DisconnectedError)) this.ended = true;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    this.running = false;
  }
};

// client/js/src/zone.ts
var keptEarly = 256;
var Zone = class {
  /** @internal */
  constructor(name, host, gone) {
    this.name = name;
    this.host = host;
    this.gone = gone;
    this.chat = new Channel(`zone/${name}`, host);
    this.steering = new Steering(
      name,
      host,
      () => this.meter.clamped++,
      (error) => this.emitter.emit("refused", error)
    );
  }
  name;
  host;
  gone;
  /** Who is here and what is said. A spectator hears what is said from now on, and says nothing. */
  chat;
  info;
  /** What the entities' fields are. */
  fields;
  /** The player's own, 0 for a spectator. */
  entity = 0;
  /** The node that runs the zone. */
  owner = "";
  /** How many players are in it. */
  get players() {
    return this.chat.total;
  }
  scene;
  cells = /* @__PURE__ */ new Map();
  early = [];
  meter = new Meter();
  emitter = new Emitter();
  steering;
  options = {};
  resuming = false;
  over = false;
  on(name, listener) {
    return this.emitter.on(name, listener);
  }
  /**
   * Where everything is to be shown now: interpolated, a little behind the newest
   * frame. now is by performance.now(), as requestAnimationFrame has it. The
   * entities are valid until the next call.
   */
  entities(now = performance.now()) {
    const shown = this.scene?.entities(now) ?? [];
    for (const e of shown) {
      e.player = this.chat.playerOf(e.id);
      e.self = e.id === this.entity;
    }
    return shown;
  }
  /** How far behind the newest frame the world is shown. */
  get bufferMs() {
    return this.scene?.playout.bufferMs ?? 0;
  }
  set bufferMs(ms) {
    if (this.scene !== void 0) this.scene.playout.bufferMs = ms;
  }
  get stats() {
    return this.meter.read(performance.now());
  }
  /**
   * Moves on at a velocity, in units per second, until told otherwise. It may be
   * called as often as one likes: the newest wish is sent.
   */
  steer(vx, vy) {
    finite(vx, vy);
    this.steering.want({ steer: { vx, vy } });
  }
  /** Goes to a place. It may be called as often as one likes. */
  walk(x, y) {
    finite(x, y);
    this.steering.want({ walk: { to: { x, y } } });
  }
  /** Strikes another entity that is near; resolves to where the player's own is. */
  async strike(entity) {
    const body = { zone: this.name, strike: { entity } };
    const intended = await this.host.request("intent", body, { timeoutMs: 2e3, resend: false, retry: false });
    if (flag(intended, "clamped")) this.meter.clamped++;
    const at = message(intended, "at");
    return { x: number(at, "x"), y: number(at, "y") };
  }
  /** Has a spectator look elsewhere. */
  async look(x, y) {
    finite(x, y);
    await this.enter({ ...this.options, at: { x, y } });
  }
  /** Leaves the zone, on all of the player's connections; a spectator only stops looking. */
  async leave(o) {
    await this.host.request("leaveZone", { zone: this.name }, o);
    this.end(void 0);
  }
  /** @internal */
  async enter(o) {
    const body = { zone: this.name };
    if (o.spectate) body.spectate = true;
    if (o.at !== void 0) body.at = { x: o.at.x, y: o.at.y };
    const entered = readEntered(await this.host.request("enterZone", body, { timeoutMs: o.timeoutMs, signal: o.signal }));
    this.options = { spectate: o.spectate, at: o.at };
    if (JSON.stringify(entered.fields) !== JSON.stringify(this.fields)) this.scene = new Scene(entered.zone, entered.fields);
    this.info = entered.zone;
    this.fields = entered.fields;
    this.entity = entered.entity;
    this.scene?.thaw(performance.now());
    if (this.owner === "") this.owner = entered.owner;
    else this.moved(entered.owner);
    const { early } = this;
    this.early = [];
    for (const e of early) this.receive(e.stream, e.cell, e.frame, e.bytes, e.at);
    await this.chat.refresh(this.entity !== 0);
  }
  /**
   * Enters again on a new connection.
   * @internal
   */
  async resume() {
    if (this.scene === void 0 || this.resuming) return;
    this.resuming = true;
    try {
      await this.enter({ ...this.options, timeoutMs: Infinity });
      this.steering.repeat();
      this.emitter.emit("entered", this);
    } catch (error) {
      if (error instanceof RefusedError) this.end(error);
      else this.host.trouble(error);
    } finally {
      this.resuming = false;
    }
  }
  /**
   * The connection dropped, and with it the streams.
   * @internal
   */
  freeze() {
    this.cells.clear();
    this.early = [];
    this.scene?.freeze();
  }
  /** @internal */
  end(why) {
    if (this.over) return;
    this.over = true;
    this.steering.end();
    this.gone(this);
    this.emitter.emit("left", why);
  }
  /** @internal */
  moved(owner) {
    if (owner === this.owner) return;
    this.owner = owner;
    this.steering.repeat();
    void this.chat.refresh(this.entity !== 0);
    this.emitter.emit("owner", owner);
  }
  /**
   * Takes a frame in; cell is -1 unless it begins a stream.
   * @internal
   */
  receive(stream, cell, frame, bytes, at) {
    if (this.scene === void 0) {
      if (this.early.length < keptEarly) this.early.push({ stream, cell, frame, bytes, at });
      return;
    }
    const follower = cell < 0 ? this.cells.get(stream) : this.begin(stream, cell);
    if (follower === void 0) return;
    const outcome = follower.take(frame);
    if (outcome === "taken") this.show(follower, bytes, at);
    else if (outcome === "stale") this.meter.stale++;
    else this.lose(follower, at);
  }
  begin(stream, number2) {
    let cell = this.cells.get(stream);
    if (cell === void 0 || cell.number !== number2) {
      cell = new Cell(stream, number2, this.fields);
      this.cells.set(stream, cell);
    }
    return cell;
  }
  show(cell, bytes, at) {
    const { table } = cell;
    cell.lost = false;
    if (cell.key) this.meter.keyframes++;
    this.meter.count(at, bytes, cell.key ? 0 : snapshotBytes(table.ids, table.values, table.length, this.fields.length));
    this.meter.latency(this.host.serverNow() - cell.moment);
    this.scene.take(cell, at);
    this.emitter.emit("frame", cell.frame);
  }
  lose(cell, at) {
    if (!cell.lost) this.meter.gaps++;
    cell.lost = true;
    if (cell.asks(at)) this.host.post("resync", { stream: cell.stream });
  }
  /**
   * A stream has ended: its cell is out of sight.
   * @internal
   */
  hide(stream) {
    const cell = this.cells.get(stream);
    if (cell === void 0) return;
    this.cells.delete(stream);
    this.scene?.leave(cell);
  }
};
function finite(...values) {
  for (const v of values) if (!Number.isFinite(v)) throw new RangeError(`${v} is no number that a world knows`);
}

// client/js/src/world.ts
var World = class {
  constructor(host) {
    this.host = host;
  }
  host;
  zones = /* @__PURE__ */ new Map();
  groups = /* @__PURE__ */ new Map();
  /** Which zone a stream of the gateway's is of. */
  streams = /* @__PURE__ */ new Map();
  async enter(name, o) {
    let zone = this.zones.get(name);
    const isNew = zone === void 0;
    zone ??= new Zone(name, this.host, (z) => this.forget(z));
    this.zones.set(name, zone);
    try {
      await zone.enter(o);
    } catch (error) {
      if (isNew) this.forget(zone);
      throw error;
    }
    return zone;
  }
  forget(zone) {
    if (this.zones.get(zone.name) === zone) this.zones.delete(zone.name);
    for (const [stream, z] of this.streams) if (z === zone) this.streams.delete(stream);
  }
  async join(name, o) {
    const group = this.groups.get(name) ?? new Group(name, this.host, (g) => this.groups.delete(g.name));
    await group.join(o);
    this.groups.set(name, group);
    return group;
  }
  /** The connection dropped: streams are a connection's own. */
  freeze() {
    this.streams.clear();
    for (const zone of this.zones.values()) zone.freeze();
  }
  /** Another connection is there: enters and joins again. */
  resume() {
    for (const zone of this.zones.values()) void zone.resume();
    for (const group of this.groups.values()) {
      group.join({ timeoutMs: Infinity }).catch((error) => this.host.trouble(error));
    }
  }
  /** A binary message. */
  receive(bytes) {
    const { key, delta, gone } = readWorldMessage(bytes);
    const now = performance.now();
    if (key !== void 0) {
      const zone = this.zones.get(key.zone);
      if (zone === void 0) return;
      this.streams.set(key.stream, zone);
      zone.receive(key.stream, key.cell, key.frame, bytes.length, now);
    }
    if (delta !== void 0) this.streams.get(delta.stream)?.receive(delta.stream, -1, delta.frame, bytes.length, now);
    if (gone !== void 0) this.end(gone);
  }
  end(streams) {
    for (const stream of streams) {
      this.streams.get(stream)?.hide(stream);
      this.streams.delete(stream);
    }
  }
  /** A pushed frame; false when it is about something else. */
  push(frame) {
    if (frame.chat !== void 0) {
      const line = readChatLine(message(frame, "chat"));
      this.channel(line.channel)?.hear(line);
    } else if (frame.presence !== void 0) {
      const presence = readPresence(message(frame, "presence"));
      this.channel(presence.channel)?.meet(presence);
    } else if (frame.zoneOwner !== void 0) {
      const owner = message(frame, "zoneOwner");
      this.zones.get(text(owner, "zone"))?.moved(text(owner, "node"));
    } else if (frame.leftZone !== void 0) {
      this.zones.get(text(message(frame, "leftZone"), "zone"))?.end(new HoldfastError("the player is not in the zone any more"));
    } else if (frame.worldGone !== void 0) {
      const { streams = [] } = message(frame, "worldGone");
      this.end(streams);
    } else return false;
    return true;
  }
  channel(name) {
    const [kind, of = ""] = name.split("/");
    if (kind === "zone") return this.zones.get(of)?.chat;
    return kind === "group" ? this.groups.get(of)?.chat : void 0;
  }
};

// client/js/src/client.ts
var quietInZoneMs = 3e3;
var clockMs = 1e4;
var Client = class _Client {
  emitter = new Emitter();
  connection;
  clock = new ServerClock();
  world;
  shop;
  clockTimer;
  constructor(o) {
    const host = {
      request: (kind, body, manner) => this.connection.request(kind, body, manner),
      post: (kind, body) => this.connection.post(kind, body),
      serverNow: () => this.clock.now(),
      trouble: (error) => this.trouble(error)
    };
    this.world = new World(host);
    this.shop = new Shop(host, (level) => this.emitter.emit("stock", level));
    this.connection = new Connection(settle(o), {
      changed: (state) => this.changed(state),
      resumed: () => this.resumed(),
      pushed: (frame) => this.pushed(frame),
      world: (bytes) => this.world.receive(bytes),
      unread: (error) => this.trouble(error)
    });
  }
  /**
   * Connects and authenticates. It tries every URL once and throws when there is
   * no way: a RefusedError says what the server has against it. Afterwards the
   * client reconnects by itself.
   */
  static async connect(o) {
    const client = new _Client(o);
    await client.connection.open();
    return client;
  }
  on(name, listener) {
    return this.emitter.on(name, listener);
  }
  get state() {
    return this.connection.state;
  }
  /** The server's latest greeting: session, limits. */
  get welcome() {
    return this.connection.welcome;
  }
  /** The id that the token was issued to. */
  get player() {
    return this.welcome.player;
  }
  /** The server's time in milliseconds since 1970, as near as it is known. */
  serverNow() {
    return this.clock.now();
  }
  /** The zones that this client is in, by name. */
  get zones() {
    return this.world.zones;
  }
  /** The groups that this client has joined, by name. */
  get groups() {
    return this.world.groups;
  }
  /** Ends the connection for good. Requests under way fail with a ClosedError. */
  close() {
    this.connection.close();
  }
  /** Measures a round trip to the gateway, in milliseconds. */
  async ping(o) {
    const sent = Date.now();
    const start = performance.now();
    const pong = await this.connection.request("ping", {}, { resend: false, ...o });
    const rttMs = performance.now() - start;
    const serverTime = time(pong, "serverTime");
    if (serverTime !== void 0) this.clock.sample(sent, sent + rttMs, serverTime.getTime());
    return rttMs;
  }
  /** The player's own state: wallet, backpack, the latest orders. */
  getPlayer(o) {
    return this.shop.getPlayer(o);
  }
  /** The products whose SKU begins with prefix. */
  catalog(prefix = "", o) {
    return this.shop.catalog(prefix, o);
  }
  /**
   * Buys. The purchase is given a request number, in p, and is sent until there is
   * a final answer, or the wait ends: with a DeadlineError it may or may not have
   * happened, and buying the same p again tells. It cannot happen twice.
   */
  buy(p, o) {
    return this.shop.buy(p, o);
  }
  /**
   * Asks for the stock events of these products from now on, instead of those
   * watched before, and returns their levels now.
   */
  watch(skus, o) {
    return this.shop.watch(skus, o);
  }
  /**
   * Invokes a method of an actor of any kind. A method that changes state needs a
   * number, increasing per actor called; it is the caller's.
   */
  async call(kind, id, method, payload, request = 0, o) {
    const body = { kind, id, method, request: String(request), payload: toBase64(payload) };
    return fromBase64(text(await this.connection.request("call", body, o), "payload"));
  }
  /** The zones there are whose name begins with prefix. */
  async listZones(prefix = "", o) {
    return messages(await this.connection.request("listZones", { prefix }, o), "zones").map(readZone);
  }
  /** Enters a zone, or looks at it. A zone that this client is in already is answered alike. */
  async enterZone(name, o = {}) {
    this.watchClock();
    return await this.world.enter(name, o);
  }
  /** Joins a group, which begins with its first member. */
  joinGroup(name, o) {
    return this.world.join(name, o);
  }
  changed(state) {
    if (state !== "open") this.world.freeze();
    if (state === "closed") clearInterval(this.clockTimer);
    if (state === "open") this.shop.welcome(this.welcome.nextRequest);
    this.emitter.emit("state", state);
  }
  resumed() {
    this.shop.resume();
    this.world.resume();
    this.clock.forget();
    if (this.clockTimer !== void 0) this.askClock();
  }
  pushed(frame) {
    if (frame.stock !== void 0) this.emitter.emit("stock", readStockLevel(message(frame, "stock")));
    else if (frame.error !== void 0) this.trouble(new Error(text(message(frame, "error"), "text")));
    else this.world.push(frame);
  }
  trouble(error) {
    if (!(error instanceof ClosedError)) this.emitter.emit("trouble", error);
  }
  /** While zones are watched, silence means more and the server's time matters. */
  watchClock() {
    this.connection.quietMs = quietInZoneMs;
    if (this.clockTimer !== void 0) return;
    this.askClock();
    this.clockTimer = setInterval(() => {
      if (this.world.zones.size === 0) {
        clearInterval(this.clockTimer);
        this.clockTimer = void 0;
        this.connection.quietMs = 0;
      } else this.askClock();
    }, clockMs);
  }
  askClock() {
    this.ping({ timeoutMs: 5e3 }).catch(() => {
    });
  }
};
export {
  Channel,
  Client,
  ClosedError,
  DeadlineError,
  DeltaDecoder,
  DeltaError,
  DisconnectedError,
  EntityState,
  Group,
  HoldfastError,
  ProtocolError,
  RefusedError,
  Zone
};
