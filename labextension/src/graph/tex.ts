// Reads the TeX of a derivative rule as plain Unicode text: `W^\top` becomes `Wᵀ`.

const SYMBOLS: Record<string, string> = {
  top: 'ᵀ', intercal: 'ᵀ', cdot: '·', odot: '⊙', times: '×', div: '/', pm: '±', circ: '∘', otimes: '⊗', oslash: '⊘',
  partial: '∂', nabla: '∇', sum: '∑', prod: '∏', int: '∫', infty: '∞', sqrt: '√', to: '→', rightarrow: '→', gets: '←',
  mapsto: '↦', le: '≤', leq: '≤', ge: '≥', geq: '≥', ne: '≠', neq: '≠', approx: '≈', equiv: '≡', in: '∈', land: '∧',
  lor: '∨', neg: '¬', lnot: '¬', alpha: 'α', beta: 'β', gamma: 'γ', delta: 'δ', epsilon: 'ε', varepsilon: 'ε', zeta: 'ζ', eta: 'η',
  theta: 'θ', kappa: 'κ', lambda: 'λ', mu: 'μ', nu: 'ν', xi: 'ξ', pi: 'π', rho: 'ρ', sigma: 'σ', tau: 'τ', phi: 'φ',
  varphi: 'φ', chi: 'χ', psi: 'ψ', omega: 'ω', Gamma: 'Γ', Delta: 'Δ', Theta: 'Θ', Lambda: 'Λ', Phi: 'Φ', Psi: 'Ψ',
  Sigma: 'Σ', Omega: 'Ω', ell: 'ℓ', mathcal: '', ldots: '…', cdots: '⋯', dots: '…', lVert: '‖', rVert: '‖', Vert: '‖',
  lvert: '|', rvert: '|', mid: '|', lfloor: '⌊', rfloor: '⌋', quad: ' ', qquad: ' ', star: '⋆', ast: '*', prime: '′',
  langle: '⟨', rangle: '⟩', colon: ':', setminus: '∖', cup: '∪', cap: '∩',
};
/** Commands that only change the look of what follows. */
const PLAIN = new Set([
  'mathrm', 'mathbf', 'mathbb', 'mathit', 'mathsf', 'mathtt', 'text', 'operatorname', 'boldsymbol', 'mathcal', 'bm',
  'left', 'right', 'big', 'Big', 'bigl', 'bigr', 'Bigl', 'Bigr', 'displaystyle', 'textstyle', 'limits', 'nolimits',
]);
const ACCENTS: Record<string, string> = { bar: '\u0304', hat: '\u0302', tilde: '\u0303', dot: '\u0307', vec: '\u20d7' };
const RAISED: Record<string, string> = {
  '0': '⁰', '1': '¹', '2': '²', '3': '³', '4': '⁴', '5': '⁵', '6': '⁶', '7': '⁷', '8': '⁸', '9': '⁹', '+': '⁺', '-': '⁻',
  '−': '⁻', '(': '⁽', ')': '⁾', n: 'ⁿ', i: 'ⁱ', x: 'ˣ', T: 'ᵀ', 'ᵀ': 'ᵀ', a: 'ᵃ', b: 'ᵇ', k: 'ᵏ', p: 'ᵖ', y: 'ʸ', c: 'ᶜ',
  '′': '′', '*': '*', '/': '⸍',
};
const LOWERED: Record<string, string> = {
  '0': '₀', '1': '₁', '2': '₂', '3': '₃', '4': '₄', '5': '₅', '6': '₆', '7': '₇', '8': '₈', '9': '₉', '+': '₊', '-': '₋',
  i: 'ᵢ', j: 'ⱼ', k: 'ₖ', n: 'ₙ', m: 'ₘ', p: 'ₚ', t: 'ₜ', x: 'ₓ', a: 'ₐ', s: 'ₛ',
};
const MAX_DEPTH = 20;
const MAX_LENGTH = 2_000;

/** The readable form of a piece of TeX. What is not understood stays as it was written, without its backslash. */
export function readable(tex: string): string {
  const tokens = tex.slice(0, MAX_LENGTH).match(/\\[A-Za-z]+\*?|\\.|\s+|[^\\\s]/gu) ?? [];
  return sequence({ tokens, at: 0 }, 0).replace(/\s+/g, ' ').replace(/(\p{L}{2}) \(/gu, '$1(').trim();
}

interface Reader {
  tokens: string[];
  at: number;
}

/** Everything up to the brace that closes this group. */
function sequence(reader: Reader, depth: number): string {
  let out = '';
  while (reader.at < reader.tokens.length) {
    const token = reader.tokens[reader.at++]!;
    if (token === '}') break;
    if (token === '^') out += script(argument(reader, depth), RAISED, '^');
    else if (token === '_') out += script(argument(reader, depth), LOWERED, '_');
    else out += item(token, reader, depth);
  }
  return out;
}

function item(token: string, reader: Reader, depth: number): string {
  if (token === '{') return depth < MAX_DEPTH ? sequence(reader, depth + 1) : '';
  if (!token.startsWith('\\')) return token === '&' || token === '~' ? ' ' : token.trim() ? token : ' ';
  return command(token.slice(1), reader, depth);
}

function command(name: string, reader: Reader, depth: number): string {
  if (['frac', 'dfrac', 'tfrac'].includes(name)) {
    const top = argument(reader, depth);
    return `${bracketed(top)}/${bracketed(argument(reader, depth))}`;
  }
  if (name === 'sqrt') return `√${bracketed(argument(reader, depth))}`;
  if (name in ACCENTS) return argument(reader, depth) + ACCENTS[name];
  if (name === 'begin' || name === 'end') return argument(reader, depth) && ' ';
  if (PLAIN.has(name)) return '';
  if (!/[a-z]/i.test(name)) return name === '\\' ? '; ' : '{}|%_#&$'.includes(name) ? name : ' ';
  const symbol = SYMBOLS[name];
  return symbol ?? (/[a-zA-Z]$/.test(name) ? ` ${name} ` : name);
}

/** What a command or a script applies to: one token or one group. */
function argument(reader: Reader, depth: number): string {
  while (reader.tokens[reader.at]?.trim() === '') reader.at++;
  const token = reader.tokens[reader.at++];
  return token === undefined || depth >= MAX_DEPTH ? '' : item(token, reader, depth + 1).trim();
}

function script(text: string, alphabet: Record<string, string>, mark: string): string {
  const letters = [...text];
  if (letters.every((letter) => letter in alphabet)) return letters.map((letter) => alphabet[letter]).join('');
  return letters.length === 1 ? mark + text : `${mark}(${text})`;
}

function bracketed(text: string): string {
  return /^[\p{L}\p{N}\p{M}.₀-₉ᵢⱼ⁰-⁹²³¹ᵀ]+$/u.test(text) || /^\([^()]*\)$/.test(text) ? text : `(${text})`;
}
