import { json, type SimulatedResponse } from "../http/exchange.js"

export type Path = ReadonlyArray<string | number>

/** One leaf of the `errors` tree of a 50035 answer. */
export interface Issue {
  readonly path: Path
  readonly code: string
  readonly message: string
}

export function issue(path: Path, code: string, message: string): Issue {
  return { path, code, message }
}

/** The 50035 answer: issues become a tree of field names, with the leaves under `_errors`. */
export function invalidForm(issues: ReadonlyArray<Issue>): SimulatedResponse {
  const root = makeNode()
  for (const { path, code, message } of issues) {
    let node = root
    for (const key of path) node = child(node, String(key))
    node.leaves.push({ code, message })
  }
  return json(400, { message: "Invalid Form Body", code: 50035, errors: toTree(root) })
}

interface Node {
  readonly leaves: Array<{ readonly code: string; readonly message: string }>
  readonly children: Map<string, Node>
}

function makeNode(): Node {
  return { leaves: [], children: new Map() }
}

function child(node: Node, key: string): Node {
  const known = node.children.get(key)
  if (known !== undefined) return known
  const made = makeNode()
  node.children.set(key, made)
  return made
}

function toTree({ leaves, children }: Node): Readonly<Record<string, unknown>> {
  const fields = Array.from(children, ([key, node]): [string, unknown] => [key, toTree(node)])
  return { ...Object.fromEntries(fields), ...(leaves.length > 0 ? { _errors: leaves } : {}) }
}
