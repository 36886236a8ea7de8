// What somebody points at lights up everywhere: node, edge, line of code and line written by hand; and the host is told.

import type { CodePane } from './code';
import type { Node } from './diagram';
import type { Painter } from './faces';
import type { HandPane } from './hand';
import type { ViewOptions } from './index';
import type { Line } from './listing';
import { spanOf } from './say';
import type { Stage } from './stage';
import type { Step, Timeline } from './timeline';
import type { Span, Tape } from './validate';

export interface Surroundings {
  tape: Tape;
  timeline: Timeline;
  painter: Painter;
  stage: Stage;
  code: CodePane;
  /** Once it is open. */
  hand(): HandPane | undefined;
  /** The step under way. */
  step(): Step | undefined;
  tell: ViewOptions['onHoverSpan'];
}

export class Pointing {
  #pointed: Span | undefined;
  #told = 'null';

  constructor(readonly around: Surroundings) {}

  /** The code of the step under way. */
  get span(): Span | undefined {
    const step = this.around.step();
    return step && spanOf(this.around.tape, step);
  }

  /** Tells the host what is pointed at, else what the step under way is about. */
  tell(): void {
    this.#tell(this.#pointed ?? this.span);
  }

  end(): void {
    this.#tell(undefined);
  }

  atNode(node: Node | undefined): void {
    const { painter, stage, code, hand, tape } = this.around;
    this.#pointed = node?.span ?? (node?.op === undefined ? undefined : tape.ops[node.op]!.span);
    painter.lit = new Set(node ? [node.key] : []);
    painter.litLink = undefined;
    stage.scene.refresh();
    code.light(this.#pointed);
    const ops = node?.members ?? (node?.op === undefined ? [] : [node.op]);
    const values = ops.flatMap((op) => tape.ops[op]!.outputs);
    hand()?.light(new Set(ops), new Set(node?.value === undefined ? values : [...values, node.value]));
    this.tell();
  }

  atCode(source: number, line: number | null): void {
    const { painter, stage, code } = this.around;
    painter.line = line === null ? undefined : { source, line };
    code.light(line === null ? undefined : { source, line, end_line: line });
    stage.scene.refresh();
  }

  /** What a line written by hand is about lights up: the node of an op, or the edge that a gradient goes along. */
  atWritten(line: Line | undefined): void {
    const { painter, timeline, tape } = this.around;
    const { index, scene } = this.around.stage;
    const step = line?.step === undefined ? undefined : timeline.steps[line.step - 1];
    const node = line?.op === undefined ? undefined : index.ofOp(line.op);
    const nodes = step ? index.nodes(step) : node ? [node] : [];
    painter.lit = new Set(nodes.map(({ key }) => key));
    painter.litLink = index.link(step);
    scene.refresh();
    this.#pointed = step ? spanOf(tape, step) : line?.op === undefined ? undefined : tape.ops[line.op]!.span;
    this.tell();
  }

  #tell(span: Span | undefined): void {
    const told = JSON.stringify(span ?? null);
    if (told === this.#told) return;
    this.#told = told;
    this.around.tell?.(span ? { source: span.source, line: span.line, endLine: span.end_line } : null);
  }
}
