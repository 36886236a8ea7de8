// Layered layout of an autograd graph in near-linear time; nbautograd/export/layout.py is its twin, coordinate for coordinate.

export interface Box {
  key: string;
  width: number;
  height: number;
  /** Computed from parameters alone (a transposed weight): drawn next to its consumer, not at the top. */
  weightOnly?: boolean;
}

export interface Edge {
  from: string;
  to: string;
  /** Operand position at the consumer. */
  order: number;
}

export interface LayoutInput {
  /** In tape order: every edge leads from an earlier box to a later one. */
  boxes: Box[];
  edges: Edge[];
}

export interface Placed {
  key: string;
  /** Centre. */
  x: number;
  y: number;
  width: number;
  height: number;
  /** For a reference chip (key `${chipOf}@${consumer}`): the shared leaf that it stands for. */
  chipOf?: string;
}

export interface Route {
  /** Key of the placed box that the route starts at: the chip where there is one. */
  from: string;
  to: string;
  order: number;
  points: [number, number][];
}

export interface Layout {
  boxes: Placed[];
  routes: Route[];
  width: number;
  height: number;
}
