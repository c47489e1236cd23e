/** Which moment of an effect: just before it happens, or just after, when nobody has learned of it yet. */
export type Moment = 'before' | 'after';

/** What the watched processes are told, in `armed.json`. Each new `run` counts its effects anew. */
export type Armed = {
  readonly run: number;
  /** Write every effect down. */
  readonly record?: boolean;
  /** Hold whoever comes to this effect, once, until released. Each order to hold has a number of its own. */
  readonly hold?: { readonly number: number; readonly point: string; readonly moment: Moment };
};

/** The variable that names the folder in which watched processes and whoever watches them meet. */
export const FOLDER_VARIABLE = 'LAB_EDGES';

/** The files of that folder. */
export const filesIn = (folder: string) => ({
  armed: `${folder}/armed.json`,
  /** One effect a line, as it began. */
  points: `${folder}/points.txt`,
  /** There when a process is held, with its id. */
  held: (hold: number) => `${folder}/held-${hold}`,
  /** There when it may go on. */
  released: (hold: number) => `${folder}/released-${hold}`,
});
