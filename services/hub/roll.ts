export type Place<T> = { roll: Roll<T>; position: number; item: T; isLeft: boolean };

/** Items sorted by position. Enters at the end, leaves anywhere and gives the first in O(1) on average; seeks in O(log n). */
export class Roll<T> {
  #places: Place<T>[] = [];
  #start = 0;
  #left = 0;
  readonly key: string;

  constructor(key: string) {
    this.key = key;
  }

  get size(): number {
    return this.#places.length - this.#left;
  }

  enter(item: T, position: number): Place<T> {
    const place = { roll: this, position, item, isLeft: false };
    const at = (this.#places.at(-1)?.position ?? 0) < position ? this.#places.length : this.#seek(position);
    if (at === this.#places.length) this.#places.push(place);
    else this.#places.splice(at, 0, place);
    this.#start = Math.min(this.#start, at);
    return place;
  }

  leave(place: Place<T>): void {
    place.isLeft = true;
    this.#left += 1;
    if (this.#left < 64 || this.#left * 2 < this.#places.length) return;
    this.#places = this.#places.filter(({ isLeft }) => !isLeft);
    this.#start = 0;
    this.#left = 0;
  }

  first(): T | undefined {
    while (this.#places[this.#start]?.isLeft) this.#start += 1;
    return this.#places[this.#start]?.item;
  }

  *after(position: number): Generator<Place<T>> {
    for (let at = this.#seek(position + 1); at < this.#places.length; at++) {
      const place = this.#places[at];
      if (place && !place.isLeft) yield place;
    }
  }

  *before(position: number): Generator<Place<T>> {
    for (let at = this.#seek(position) - 1; at >= 0; at--) {
      const place = this.#places[at];
      if (place && !place.isLeft) yield place;
    }
  }

  /** The first index whose position is not less. */
  #seek(position: number): number {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle]?.position ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
