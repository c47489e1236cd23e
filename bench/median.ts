/** The middle one of some figures; of an even number the lower of the two. */
export function median(figures: readonly number[]): number {
  return quantile(figures, 0.5);
}

/** The figure below which that part of them lies: 0.99 is p99, 1 the largest. */
export function quantile(figures: readonly number[], part: number): number {
  return figures.toSorted((a, b) => a - b)[Math.floor((figures.length - 1) * part)] ?? NaN;
}

/** A figure and its spread, in a unit, for a report. */
export function spread(figures: readonly number[], unit: string, digits = 0): string {
  const [least, most] = [Math.min(...figures), Math.max(...figures)];
  const shown = (figure: number) => figure.toFixed(digits);
  return `${shown(median(figures))} ${unit} (${shown(least)} to ${shown(most)})`;
}
