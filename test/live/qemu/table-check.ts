import type { SchemaInfo } from '../../../qemu/qmp/replies.ts';

/** Any schema, as far as the comparison looks into it. */
type Ours = {
  def: {
    type: string;
    shape?: Record<string, Ours>;
    innerType?: Ours;
    element?: Ours;
    options?: readonly Ours[];
    entries?: Record<string, string>;
    values?: readonly unknown[];
  };
  safeParse(value: unknown): { success: boolean };
};

/** Compares what we send, as zod describes it, with what a QEMU takes, as it describes itself. */
export class TableCheck {
  readonly #entries: ReadonlyMap<string, SchemaInfo>;

  constructor(schema: readonly SchemaInfo[]) {
    this.#entries = new Map(schema.map((info) => [`${info['meta-type']} ${info.name}`, info]));
  }

  knows(command: string): boolean {
    return this.#entries.has(`command ${command}`);
  }

  /** What is wrong with a command's arguments, one sentence each. */
  faults(command: string, args: Ours): string[] {
    const type = this.#entries.get(`command ${command}`)?.['arg-type'] ?? '';
    return this.#compare(command, args, type);
  }

  #find(type: string): SchemaInfo | undefined {
    for (const meta of ['object', 'alternate', 'array', 'enum', 'builtin'])
      if (this.#entries.has(`${meta} ${type}`)) return this.#entries.get(`${meta} ${type}`);
    return undefined;
  }

  #compare(at: string, schema: Ours, type: string): string[] {
    const ours = schema.def;
    if ((ours.type === 'optional' || ours.type === 'nullable') && ours.innerType)
      return this.#compare(at, ours.innerType, type);
    const theirs = this.#find(type);
    if (!theirs) return [`${at}: QEMU has no type ${type}`];
    if (ours.type === 'union')
      return (ours.options ?? []).flatMap((option) => this.#compare(at, option, type));
    if (theirs['meta-type'] === 'alternate') return this.#compareAlternate(at, schema, theirs);
    switch (ours.type) {
      case 'object':
        return this.#compareObject(at, schema, theirs);
      case 'array':
        return theirs['meta-type'] === 'array' && ours.element
          ? this.#compare(`${at}[]`, ours.element, theirs['element-type'] ?? '')
          : [`${at}: QEMU takes no array`];
      case 'enum':
      case 'literal': {
        const values = ours.values ?? Object.values(ours.entries ?? {});
        return values
          .filter((value) => !theirs.values?.includes(String(value)))
          .map((value) => `${at}: QEMU does not know ${String(value)}`);
      }
      default: {
        const json = { number: ['int', 'number'], boolean: ['boolean'], null: ['null'] }[ours.type];
        const expected: readonly (string | undefined)[] = json ?? [ours.type];
        return theirs['json-type'] === 'value' || expected.includes(theirs['json-type'])
          ? []
          : [`${at}: ${ours.type} is no ${theirs['json-type'] ?? theirs['meta-type']}`];
      }
    }
  }

  #compareObject(at: string, schema: Ours, theirs: SchemaInfo): string[] {
    const shape = schema.def.shape ?? {};
    const tagged = theirs.tag === undefined ? undefined : shape[theirs.tag]?.def.values?.[0];
    const branch = theirs.variants?.find((variant) => variant.case === tagged);
    const members = [
      ...(theirs.members ?? []),
      ...((branch && this.#find(branch.type)?.members) ?? []),
    ];
    const faults = members
      .filter((member) => member.default === undefined && shape[member.name ?? ''] === undefined)
      .map((member) => `${at}: QEMU wants ${member.name}`);
    for (const [name, field] of Object.entries(shape)) {
      const member = members.find((candidate) => candidate.name === name);
      const here = `${at}.${name}`;
      if (!member) faults.push(`${here}: QEMU does not know it`);
      else {
        faults.push(...this.#compare(here, field, member.type ?? ''));
        if (member.default === undefined && field.safeParse(undefined).success)
          faults.push(`${here}: QEMU wants it always`);
      }
    }
    return faults;
  }

  /** One of the alternatives must fit. */
  #compareAlternate(at: string, schema: Ours, theirs: SchemaInfo): string[] {
    const tries = (theirs.members ?? []).map(({ type }) => this.#compare(at, schema, type ?? ''));
    return tries.find((faults) => faults.length === 0) ?? tries.at(-1) ?? [];
  }
}
