/**
 * Schemas look at a value on both sides of every change of names, and at a whole again for every
 * rule that speaks of it. For values that have been looked at already that is most of what a message
 * costs; this is the same Schema without the second look.
 */
import { Schema, SchemaAST as AST } from "effect"

type Rewrite = (ast: AST.AST) => AST.AST

/**
 * For encoding what has just been validated: rules about wholes are not asked again. It changes
 * the objects that it is given in place, so they must be the copies that validating has made.
 */
export function emitting<A, I>(schema: Schema.Schema<A, I>): Schema.Schema<A, I> {
  const rewrite: Rewrite = memoized((ast) => {
    if (AST.isRefinement(ast)) return isText(ast) ? ast : rewrite(ast.from)
    if (AST.isTransformation(ast)) return withTrust(ast, rewrite)
    if (AST.isUnion(ast)) return emittingUnion(ast, rewrite)
    return inside(ast, rewrite)
  })
  return Schema.make(rewrite(schema.ast))
}

/** A change of names whose result is not looked at; where it does more than that, it stays. */
function withTrust(ast: AST.Transformation, rewrite: Rewrite): AST.AST {
  const { annotations, to, transformation } = ast
  if (transformation._tag !== "TypeLiteralTransformation" || AST.typeAST(to) !== to) return ast
  return new AST.Transformation(rewrite(ast.from), AST.unknownKeyword, transformation, annotations)
}

/** A union has to find the right member before anything is changed: so its members do look. */
function emittingUnion(ast: AST.Union, rewrite: Rewrite): AST.AST {
  const members = ast.types.some(AST.isUndefinedKeyword) ? ast.types.filter(isGiven) : ast.types
  const [only] = members
  if (members.length === 1 && only !== undefined) return rewrite(only)
  return AST.Union.make(
    members.map((member) => looking(member, rewrite)),
    ast.annotations,
  )
}

function looking(ast: AST.AST, rewrite: Rewrite): AST.AST {
  return ast._tag === "Transformation" && ast.transformation._tag === "TypeLiteralTransformation"
    ? new AST.Transformation(rewrite(ast.from), ast.to, ast.transformation, ast.annotations)
    : ast
}

/** `optional` lets nothing through that is not there, although its wire form could be null. */
function isGiven(ast: AST.AST): boolean {
  return !AST.isUndefinedKeyword(ast) && !(ast._tag === "Literal" && ast.literal === null)
}

/** Cheap to look at, and what tells the members of a union apart. */
function isText({ from }: AST.Refinement): boolean {
  return AST.isRefinement(from) ? isText(from) : !isWhole(from)
}

function isWhole(ast: AST.AST): boolean {
  return (
    AST.isTypeLiteral(ast) ||
    AST.isTupleType(ast) ||
    AST.isTransformation(ast) ||
    AST.isSuspend(ast)
  )
}

/** The same with its parts rewritten. */
function inside(ast: AST.AST, rewrite: Rewrite): AST.AST {
  if (AST.isTypeLiteral(ast)) return insideObject(ast, rewrite)
  if (AST.isTupleType(ast)) return insideArray(ast, rewrite)
  return AST.isSuspend(ast) ? new AST.Suspend(() => rewrite(ast.f()), ast.annotations) : ast
}

function insideObject(ast: AST.TypeLiteral, rewrite: Rewrite): AST.AST {
  return new AST.TypeLiteral(
    ast.propertySignatures.map(
      ({ annotations, isOptional, isReadonly, name, type }) =>
        new AST.PropertySignature(name, rewrite(type), isOptional, isReadonly, annotations),
    ),
    ast.indexSignatures.map(
      ({ isReadonly, parameter, type }) =>
        new AST.IndexSignature(parameter, rewrite(type), isReadonly),
    ),
    ast.annotations,
  )
}

function insideArray(ast: AST.TupleType, rewrite: Rewrite): AST.AST {
  return new AST.TupleType(
    ast.elements.map(
      ({ annotations, isOptional, type }) =>
        new AST.OptionalType(rewrite(type), isOptional, annotations),
    ),
    ast.rest.map(({ annotations, type }) => new AST.Type(rewrite(type), annotations)),
    ast.isReadonly,
    ast.annotations,
  )
}

/** Schemas share parts, and refer to themselves. */
function memoized(rewrite: Rewrite): Rewrite {
  const known = new Map<AST.AST, AST.AST>()
  return (ast) => {
    const found = known.get(ast)
    if (found !== undefined) return found
    const made = rewrite(ast)
    known.set(ast, made)
    return made
  }
}
