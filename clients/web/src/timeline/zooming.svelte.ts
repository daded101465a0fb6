/** How much larger a picture is shown at most. */
const MOST = 8;
/** A finger that has moved so many pixels to a side wants the next picture. */
const SWIPE = 60;
const STEP = 1.5;

interface Point {
  readonly x: number;
  readonly y: number;
}

const between = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);
const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

/** How a picture is looked at: how large, and which part of it. Points are pixels from the middle of the stage. */
export class Zooming {
  scale = $state(1);
  x = $state(0);
  y = $state(0);
  readonly #fingers = new Map<number, Point>();
  readonly #swiped: (by: 1 | -1) => void;
  #moved: Point = { x: 0, y: 0 };

  constructor(swiped: (by: 1 | -1) => void) {
    this.#swiped = swiped;
  }

  get transform(): string {
    return `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
  }

  reset(): void {
    this.scale = 1;
    this.x = this.y = 0;
  }

  /** Makes it larger or smaller, around a point that stays where it is. */
  by(factor: number, { x, y }: Point = { x: 0, y: 0 }): void {
    const before = this.scale;
    this.scale = Math.max(1, Math.min(MOST, before * factor));
    if (this.scale === 1) return this.reset();
    const share = this.scale / before;
    this.x = x - (x - this.x) * share;
    this.y = y - (y - this.y) * share;
  }

  larger(): void {
    this.by(STEP);
  }

  smaller(): void {
    this.by(1 / STEP);
  }

  /** Twice: large where one points, and back. */
  twice(point: Point): void {
    if (this.scale > 1) this.reset();
    else this.by(2.5, point);
  }

  down(finger: number, point: Point): void {
    if (this.#fingers.size === 0) this.#moved = { x: 0, y: 0 };
    this.#fingers.set(finger, point);
  }

  move(finger: number, point: Point): void {
    const before = this.#fingers.get(finger);
    if (!before) return;
    const other = [...this.#fingers].find(([id]) => id !== finger)?.[1];
    this.#fingers.set(finger, point);
    if (other) {
      const was = between(before, other);
      if (was > 0) this.by(between(point, other) / was, middle(point, other));
      return;
    }
    const [dx, dy] = [point.x - before.x, point.y - before.y];
    if (this.scale > 1) {
      this.x += dx;
      this.y += dy;
    } else this.#moved = { x: this.#moved.x + dx, y: this.#moved.y + dy };
  }

  up(finger: number): void {
    if (!this.#fingers.delete(finger) || this.#fingers.size > 0 || this.scale > 1) return;
    const { x, y } = this.#moved;
    this.#moved = { x: 0, y: 0 };
    if (Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y)) this.#swiped(x < 0 ? 1 : -1);
  }
}
