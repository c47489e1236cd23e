/** Something that must never be. */
export class Miss extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}
