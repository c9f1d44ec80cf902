// A live stream that keeps itself alive: connects again behind the last event it has seen.

const SILENCE_MS = 45_000;
const WAITS_MS = [500, 1_000, 2_000, 5_000, 10_000];

export class Refused extends Error {
  constructor(status) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

export const authorized = (key) => (key ? { authorization: `Bearer ${key}` } : {});

export class Stream {
  // on: {event(event, number), state('live' | 'away'), refused(status)}
  constructor(address, { key, after, on }) {
    Object.assign(this, { address, key, after, on, failures: 0, stopped: false });
  }

  async run() {
    while (!this.stopped) {
      try {
        await this.#connect();
      } catch (error) {
        if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
          this.on.refused(error.status);
          return;
        }
        // What we remember is no longer kept, or was never given (another database): begin anew.
        if (error instanceof Refused && (error.status === 410 || error.status === 400)) this.after = null;
      }
      if (this.stopped) return;
      this.on.state('away');
      const wait = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)];
      this.failures += 1;
      await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random())));
    }
  }

  stop() {
    this.stopped = true;
    this.abort?.abort();
  }

  async #connect() {
    this.abort = new AbortController();
    const query = this.after === null ? '' : `?after=${this.after}`;
    const answer = await fetch(this.address + query, {
      headers: authorized(this.key), signal: this.abort.signal, cache: 'no-store',
    });
    if (!answer.ok) throw new Refused(answer.status);
    this.failures = 0;
    this.after ??= Number(answer.headers.get('tenon-after') ?? 0);
    this.on.state('live');
    await this.#read(answer.body.pipeThrough(new TextDecoderStream()).getReader());
  }

  async #read(reader) {
    let rest = '';
    for (;;) {
      const watch = setTimeout(() => this.abort.abort(), SILENCE_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(watch));
      if (done) return;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop();
      blocks.forEach((block) => this.#take(block));
    }
  }

  #take(block) {
    let id = null;
    let data = '';
    for (const line of block.split('\n')) {
      if (line.startsWith('id: ')) id = Number(line.slice(4));
      else if (line.startsWith('data: ')) data += line.slice(6);
    }
    if (!data) return;
    this.after = id;
    this.on.event(JSON.parse(data), id);
  }
}
