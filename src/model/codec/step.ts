/** Parts shared by decoders and encoders. */
import * as Either from "effect/Either"
import * as Predicate from "effect/Predicate"
import * as AST from "effect/SchemaAST"

/** Returns the converted input, or `irregular`. */
export type Step = (input: unknown) => unknown
export type Compile = (ast: AST.AST) => Step

/** A change of the Schema's own; an `Either`, or an effect that waits. */
export type Transform = (
  input: unknown,
  options: AST.ParseOptions,
  ast: AST.Transformation,
  whole: unknown,
) => unknown

/** The result for input that the Schema itself has to handle. */
export const irregular = Symbol("irregular")

/** What a synchronous step came to; one that waits is for the Schema. */
export function resultOf(result: unknown): unknown {
  return Either.isEither(result) && Either.isRight(result) ? result.right : irregular
}

export function chain(first: Step, second: Step): Step {
  return (input) => {
    const value = first(input)
    return value === irregular ? irregular : second(value)
  }
}

export function suspended(ast: AST.Suspend, part: Compile): Step {
  let step: Step | undefined
  return (input) => {
    step ??= part(ast.f())
    return step(input)
  }
}

/** The item type of an array of any length; `undefined` for any other tuple type. */
export function itemOf({ elements, rest }: AST.TupleType): AST.AST | undefined {
  return elements.length === 0 && rest.length === 1 ? rest[0]?.type : undefined
}

/** The step of an item is compiled with the first one. */
export function list(itemAst: AST.AST, part: Compile): Step {
  let item: Step | undefined
  return (input) => {
    if (!Array.isArray(input)) return irregular
    const output: Array<unknown> = []
    for (const one of input) {
      const value = (item ??= part(itemAst))(one)
      if (value === irregular) return irregular
      output.push(value)
    }
    return output
  }
}

/** Leaves out what does not fit. */
export function lenientList(itemAst: AST.AST, part: Compile): Step {
  let item: Step | undefined
  return (input) => {
    if (!Array.isArray(input)) return irregular
    const output: Array<unknown> = []
    for (const one of input) {
      if (one === null || one === undefined) continue
      const value = (item ??= part(itemAst))(one)
      if (value !== irregular) output.push(value)
    }
    return output
  }
}

export function isStruct(ast: AST.AST): ast is AST.TypeLiteral {
  return (
    AST.isTypeLiteral(ast) && ast.indexSignatures.length === 0 && ast.propertySignatures.length > 0
  )
}

export type Fields = Record<PropertyKey, unknown>

export const isFields: (input: unknown) => input is Readonly<Fields> = Predicate.isRecord

/** The sides of a change of names, as far as it can be made in one go. */
export interface Renaming {
  readonly from: AST.TypeLiteral
  readonly to: AST.TypeLiteral
  readonly changes: AST.TypeLiteralTransformation["propertySignatureTransformations"]
}

/** `undefined` where names cross, or come from nowhere: then the order of the changes matters. */
export function renamingOf({ from, to, transformation }: AST.Transformation): Renaming | undefined {
  if (transformation._tag !== "TypeLiteralTransformation") return undefined
  // What is made of the parts of a message needs no second look.
  if (!isStruct(from) || !isStruct(to) || AST.typeAST(to) !== to) return undefined
  const changes = transformation.propertySignatureTransformations
  const old = namesOf(from)
  const made = new Set(old)
  for (const change of changes) {
    if (change.from !== change.to && old.has(change.to)) return undefined
    if (!made.delete(change.from)) return undefined
    made.add(change.to)
  }
  const wanted = namesOf(to)
  const isWhole = made.size === wanted.size && [...made].every((name) => wanted.has(name))
  return isWhole ? { from, to, changes } : undefined
}

function namesOf({ propertySignatures }: AST.TypeLiteral): Set<PropertyKey> {
  return new Set(propertySignatures.map(({ name }) => name))
}

/**
 * Schema tries the members of a union that a literal distinguishes before the others. Where they are
 * mixed, the first that fits is not always the one.
 */
export function areLiteralsFirst(members: ReadonlyArray<AST.AST>): boolean {
  const told = members.map(hasLiteralField)
  return !told.slice(0, told.lastIndexOf(true) + 1).includes(false)
}

function hasLiteralField(ast: AST.AST): boolean {
  if (AST.isTypeLiteral(ast)) {
    return ast.propertySignatures.some(
      ({ isOptional, type }) => !isOptional && AST.isLiteral(AST.encodedAST(type)),
    )
  }
  if (AST.isTupleType(ast)) return ast.elements.length > 0
  if (AST.isSuspend(ast)) return hasLiteralField(ast.f())
  return (AST.isRefinement(ast) || AST.isTransformation(ast)) && hasLiteralField(ast.from)
}

/** Whether a part is read with options of its own. */
export function hasOwnOptions({ annotations }: AST.AST): boolean {
  return AST.ParseOptionsAnnotationId in annotations
}

/** Schemas share parts, and refer to themselves. */
export function memoize(make: (ast: AST.AST, part: Compile) => Step): Compile {
  const known = new Map<AST.AST, Step>()
  const part: Compile = (ast) => {
    const found = known.get(ast)
    if (found !== undefined) return found
    const made = make(ast, part)
    known.set(ast, made)
    return made
  }
  return part
}
