// Where the step's card stands: in the picture where it covers no node, else below it.

import type { Box } from './boxes';
import type { StepCard } from './card';
import type { Scene, Wire } from './scene';

/** How far the numbers of a pulse reach to both sides of their way, in pixels. */
const PULSE_REACH = 40;

export class Seat {
  /** The height that the card takes below the picture; it only grows, so that nothing jumps from step to step. */
  below = 0;

  constructor(
    readonly picture: HTMLElement,
    readonly scene: Scene,
    readonly card: StepCard,
    /** What else stands in the picture, at its right. */
    readonly details: HTMLElement,
    readonly changed: () => void,
  ) {}

  /** Finds a place for the card, near the nodes in `focus` and the wire along which the step's gradient goes. */
  place(focus: string[], wire: Wire | undefined): void {
    if (this.card.element.hidden) return this.leave();
    if (this.below === 0 && this.#placeInPicture(focus, wire)) return;
    this.#stand(Math.max(this.below, this.card.dock()));
  }

  /** The card does not stand below the picture any more. */
  leave(): void {
    this.#stand(0);
  }

  #stand(height: number): void {
    if (height === this.below) return;
    this.below = height;
    this.picture.style.setProperty('--dock', `${height}px`);
    this.changed();
  }

  #placeInPicture(focus: string[], wire: Wire | undefined): boolean {
    const { scene } = this;
    const window = { width: scene.camera.width - this.details.offsetWidth, height: scene.camera.height };
    const boxes = (keys: string[]) =>
      keys.flatMap((key) => scene.around([key]) ?? []).map((box) => this.#inWindow(box));
    // The number that travels along the wire should be seen, too.
    const way = wire ? [widened(this.#inWindow(wire.box))] : [];
    const seen = boxes(scene.visible().map(({ key }) => key));
    return this.card.place(window, [...boxes(focus), ...way], seen);
  }

  #inWindow({ left, top, right, bottom }: Box): Box {
    const [[x0, y0], [x1, y1]] = [this.scene.camera.toWindow(left, top), this.scene.camera.toWindow(right, bottom)];
    return { left: x0, top: y0, right: x1, bottom: y1 };
  }
}

function widened({ left, top, right, bottom }: Box): Box {
  return { left: left - PULSE_REACH, top, right: right + PULSE_REACH, bottom };
}
