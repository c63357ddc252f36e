/**
 * Short names for members of classes that never leave the package. Several files use them, so they cannot
 * be `#private`, and a user's minifier keeps the name of every other property: a third of a kilobyte in
 * a bundle that sends.
 *
 * A member gets a short name only if no other declaration in the program, libraries included, has its
 * name, and nothing else may stand for it: no string, no access whose type is not known. So its name
 * means this member wherever it occurs.
 */
import ts from "typescript"

type Members = ReadonlySet<ts.Declaration>

/** Visits all nodes below one. */
function forEachNode(root: ts.Node, use: (node: ts.Node) => void): void {
  ts.forEachChild(root, (node) => {
    use(node)
    forEachNode(node, use)
  })
}

/** Where a node has the name of a property that it declares or uses. */
function propertyNode(node: ts.Node): ts.Node | undefined {
  if (ts.isBindingElement(node))
    return ts.isObjectBindingPattern(node.parent) ? (node.propertyName ?? node.name) : undefined
  if (
    ts.isPropertyAccessExpression(node) ||
    ts.isClassElement(node) ||
    ts.isTypeElement(node) ||
    ts.isObjectLiteralElement(node)
  )
    return node.name
  // A parameter may declare a property, and a string may name one, except as a type.
  if (ts.isParameter(node) && ts.isParameterPropertyDeclaration(node, node.parent)) return node.name
  return ts.isStringLiteralLike(node) && !ts.isLiteralTypeNode(node.parent) ? node : undefined
}

function propertyName(node: ts.Node): string | undefined {
  const name = propertyNode(node)
  return name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteralLike(name))
    ? name.text
    : undefined
}

/** Whether a node declares one of the members, or uses them and nothing else. */
function concerns(members: Members, node: ts.Node, name: string, checker: ts.TypeChecker): boolean {
  if (ts.isClassElement(node)) return members.has(node)
  const symbol = ts.isPropertyAccessExpression(node)
    ? checker.getSymbolAtLocation(node.name)
    : ts.isBindingElement(node)
      ? checker.getTypeAtLocation(node.parent).getProperty(name)
      : undefined
  return symbol?.declarations?.every((declaration) => members.has(declaration)) ?? false
}

/** The members of the classes of these files. */
function findMembers(files: ReadonlyArray<ts.SourceFile>): Members {
  const members = new Set<ts.Declaration>()
  for (const file of files) {
    forEachNode(file, (node) => {
      if (!ts.isClassDeclaration(node)) return
      for (const member of node.members) {
        if (propertyName(member) !== undefined) members.add(member)
      }
    })
  }
  return members
}

/** `a` to `z`, then `aa`. */
function letters(index: number): string {
  const last = String.fromCodePoint(97 + (index % 26))
  return index < 26 ? last : letters(Math.floor(index / 26) - 1) + last
}

/** The short name of each name that has one; the most frequent ones get the shortest. */
export function chooseNames(
  program: ts.Program,
  isInternal: (file: ts.SourceFile) => boolean,
): ReadonlyMap<string, string> {
  const checker = program.getTypeChecker()
  const members = findMembers(program.getSourceFiles().filter(isInternal))
  const counts = new Map([...members].map((member) => [propertyName(member) ?? "", 0]))
  const taken = new Set<string>()
  for (const file of program.getSourceFiles()) {
    forEachNode(file, (node) => {
      const name = propertyName(node)
      if (name === undefined) return
      if (!file.isDeclarationFile) taken.add(name)
      const count = counts.get(name)
      if (count === undefined) return
      if (concerns(members, node, name, checker)) counts.set(name, count + 1)
      else counts.delete(name)
    })
  }
  const free = Array.from({ length: counts.size + taken.size }, (_, index) =>
    letters(index),
  ).filter((name) => !taken.has(name))
  const frequent = [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name)
  return new Map(frequent.map((name, index) => [name, free[index] ?? name]))
}

/** Replaces the names wherever they are those of properties. */
export function replaceNames(
  names: ReadonlyMap<string, string>,
): ts.TransformerFactory<ts.SourceFile> {
  return (context) => {
    const { factory } = context
    const visit = (node: ts.Node): ts.Node => {
      const short = names.get(propertyName(node) ?? "")
      if (short === undefined) return ts.visitEachChild(node, visit, context)
      if (ts.isBindingElement(node) && node.propertyName === undefined) {
        const { dotDotDotToken, initializer, name } = node
        const value = ts.visitNode(initializer, visit, ts.isExpression)
        return factory.updateBindingElement(
          node,
          dotDotDotToken,
          factory.createIdentifier(short),
          name,
          value,
        )
      }
      const old = propertyNode(node)
      const visitChild = (child: ts.Node) =>
        child === old ? factory.createIdentifier(short) : visit(child)
      return ts.visitEachChild(node, visitChild, context)
    }
    return (file) => ts.visitEachChild(file, visit, context)
  }
}
