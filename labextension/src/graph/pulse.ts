// A gradient on its way: a pill with its numbers that travels along a wire, from the consumer to the producer.

import { along, samples, type Point } from './curve';
import { s } from './dom';

const CHARACTER = 6.65;
const SHAPE = { least: 14, padding: 12, height: 18, halo: 15 };

export class Pulse {
  readonly layer = s('g');
  #flight = 0;

  /** Sends it; `arrived` is called at the end unless it lands before. */
  send(wire: Point[], text: string, hue: string, ms: number, arrived: () => void): void {
    this.land();
    const line = samples(wire).reverse();
    const pill = shape(text, hue);
    this.layer.append(pill);
    const begun = performance.now();
    const fly = (now: number) => {
      const t = Math.min(1, Math.max(0, (now - begun) / ms));
      const [x, y] = along(line, t * t * (3 - 2 * t));
      pill.setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      if (t < 1) return void (this.#flight = requestAnimationFrame(fly));
      this.land();
      arrived();
    };
    fly(begun);
  }

  /** Ends a flight. */
  land(): void {
    cancelAnimationFrame(this.#flight);
    this.layer.replaceChildren();
  }
}

function shape(text: string, hue: string): SVGGElement {
  const { least, padding, height, halo } = SHAPE;
  const width = Math.max(least, text.length * CHARACTER + padding);
  const body = s('rect', { class: 'pulse', x: -width / 2, y: -height / 2, width, height, rx: height / 2 });
  const pill = s('g', { class: `node pill strong hue-${hue}` }, s('circle', { class: 'halo', r: halo }), body);
  pill.style.setProperty('--t', '1');
  if (text) pill.append(s('text', { dy: '.36em' }, text));
  return pill;
}
