// The clock of the backward pass: which step is shown, and when the next one follows.

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16];
/** A step is never slower or faster than this at speed 1; a whole pass takes about `WHOLE_MS`. */
const SLOWEST_MS = 1100;
const FASTEST_MS = 120;
const WHOLE_MS = 40_000;

interface Track {
  length: number;
  /** Whether step k can be seen: not when it happens inside a closed group. */
  visible(k: number): boolean;
  /** Whether step k adds to a gradient that was there already. */
  isSum(k: number): boolean;
}

export class Player {
  #k: number;
  #speed = 1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `changed` is told of every change; `moves` when the gradient should be seen to travel. */
  constructor(
    readonly track: Track,
    start: number,
    readonly changed: (moves: boolean) => void,
  ) {
    this.#k = start;
  }

  get k(): number {
    return this.#k;
  }

  get playing(): boolean {
    return this.#timer !== undefined;
  }

  get speed(): number {
    return this.#speed;
  }

  set speed(speed: number) {
    this.#speed = speed;
    if (this.playing) this.#wait();
    this.changed(false);
  }

  /** How long one step lasts. */
  get duration(): number {
    return Math.min(SLOWEST_MS, Math.max(FASTEST_MS, WHOLE_MS / Math.max(1, this.track.length))) / this.#speed;
  }

  /** One notch faster or slower. */
  shift(notches: number): void {
    const at = SPEEDS.indexOf(this.#speed) + notches;
    this.speed = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, at))]!;
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  play(): void {
    if (this.track.length === 0) return;
    if (this.#k >= this.track.length) this.#k = 0;
    this.#wait(this.duration / 4);
    this.changed(false);
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.changed(false);
  }

  step(): void {
    this.#halt();
    this.#go(this.#next(1), true);
  }

  back(): void {
    this.seek(this.#next(-1));
  }

  /** To the next step at which a gradient is added to one that was there. */
  nextSum(): void {
    this.#halt();
    for (let k = this.#k + 1; k <= this.track.length; k++) if (this.track.isSum(k)) return this.#go(k, true);
    this.changed(false);
  }

  get hasNextSum(): boolean {
    for (let k = this.#k + 1; k <= this.track.length; k++) if (this.track.isSum(k)) return true;
    return false;
  }

  seek(k: number): void {
    this.#halt();
    this.#go(Math.min(this.track.length, Math.max(0, Math.round(k))), false);
  }

  stop(): void {
    this.#halt();
  }

  #halt(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #go(k: number, moves: boolean): void {
    this.#k = k;
    this.changed(moves);
  }

  #wait(delay = this.duration): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#k = this.#next(1);
      if (this.#k < this.track.length) this.#wait();
      else this.#timer = undefined;
      this.changed(true);
    }, delay);
  }

  /** The next visible step in a direction; the very first and last moments are always reached. */
  #next(direction: 1 | -1): number {
    let k = this.#k + direction;
    while (k > 0 && k < this.track.length && !this.track.visible(k)) k += direction;
    return Math.min(this.track.length, Math.max(0, k));
  }
}
