/**
 * Packs plain data into one array of numbers, which V8 stores without an object for each. The rest of the
 * data, its form, is stored once for all data of that form.
 */

/** Packed data: the id of its form, a header, and the numbers in the order of the form. */
export type Packed = ReadonlyArray<number>

/**
 * An object is its prototype, its keys and values, and `end`. A `number` is in the packed data; any other
 * value stands for itself.
 */
type Form = ReadonlyArray<unknown>

const number = Symbol()
const end = Symbol()

/** Maximum number of forms, and of the steps of one; other data is not packed. */
const maxForms = 64
const maxLength = 1000

export class Packer {
  readonly #forms: Array<Form> = []
  /** By prototype. */
  readonly #makes: ReadonlyMap<unknown, () => object>
  readonly #isWhole: (value: object) => boolean

  /**
   * Packs plain objects, arrays, and the classes of the objects that `makes` return. An object that is
   * `isWhole` belongs to the form and is not copied.
   */
  constructor(makes: ReadonlyArray<() => object>, isWhole: (value: object) => boolean) {
    this.#makes = new Map(
      [() => ({}), () => [], ...makes].map((make) => [Object.getPrototypeOf(make()), make]),
    )
    this.#isWhole = isWhole
  }

  /** Returns `undefined` for an object of another class, and for data of too many forms. */
  pack(value: unknown, header: ReadonlyArray<number>): Packed | undefined {
    const form: Array<unknown> = []
    const packed = [0, ...header]
    if (!this.#write(value, form, packed)) return undefined
    let id = this.#forms.findIndex((known) => isEqual(known, form))
    if (id < 0) {
      if (this.#forms.length === maxForms) return undefined
      id = this.#forms.push(form) - 1
    }
    packed[0] = id
    // Pushing has reserved more space than is used.
    return packed.slice()
  }

  unpack(packed: Packed, headerLength: number): unknown {
    const form = this.#forms[packed[0] ?? 0] ?? []
    let step = 0
    let next = 1 + headerLength
    const read = (): unknown => {
      const value = form[step++]
      if (value === number) return packed[next++]
      const make = this.#makes.get(value)
      if (make === undefined) return value
      const fields = asFields(make())
      for (let key = form[step++]; key !== end; key = form[step++]) fields[String(key)] = read()
      return fields
    }
    return read()
  }

  #write(value: unknown, form: Array<unknown>, packed: Array<number>): boolean {
    if (typeof value === "number" && !isFrequent(value)) {
      form.push(number)
      packed.push(value)
    } else if (typeof value !== "object" || value === null || this.#isWhole(value)) {
      form.push(value)
    } else {
      const prototype: unknown = Object.getPrototypeOf(value)
      if (form.length > maxLength || !this.#makes.has(prototype)) return false
      form.push(prototype)
      const fields = asFields(value)
      for (const key in fields) {
        form.push(key)
        if (!this.#write(fields[key], form, packed)) return false
      }
      form.push(end)
    }
    return true
  }
}

function asFields(value: object): Record<string, unknown> {
  // oxlint-disable-next-line no-unsafe-type-assertion -- every object has fields
  return value as Record<string, unknown>
}

/** Whether a number belongs to the form. */
function isFrequent(value: number): boolean {
  return Object.is(value, 0) || Math.abs(value) === Infinity
}

function isEqual(one: Form, other: Form): boolean {
  return one.length === other.length && one.every((step, index) => step === other[index])
}
