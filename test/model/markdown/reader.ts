/**
 * Reads Markdown as Discord's client does, written from the rules of its parser (simple-markdown,
 * with Discord's own rules) and from nothing of ours: first rule that fits, at each place.
 */

export interface Node {
  readonly kind: string
  /** What a reader sees of it. */
  readonly shown: string
  readonly inside: ReadonlyArray<Node>
}

interface Rule {
  readonly kind: string
  readonly pattern: RegExp
  /** Only where a line starts. */
  readonly block?: true
  /** Group of the pattern that is read again, or `false` where the text is shown as it is. */
  readonly inside?: number
  readonly shown?: (match: RegExpExecArray) => string
}

const first = (match: RegExpExecArray) => match[1] ?? ""
const all = (match: RegExpExecArray) => match[0]

const rules: ReadonlyArray<Rule> = [
  { kind: "quote", block: true, pattern: /^ *>>> ([\s\S]*)/, inside: 1 },
  { kind: "quote", block: true, pattern: /^ *> ([^\n]*)(?:\n|$)/, inside: 1 },
  {
    kind: "heading",
    block: true,
    pattern: /^ *#{1,3}\s+((?:\\.|[^\n])+?)#*\s*(?:\n|$)/,
    inside: 1,
  },
  { kind: "subtext", block: true, pattern: /^ *-#\s+((?:\\.|[^\n])+?)\s*(?:\n|$)/, inside: 1 },
  { kind: "item", block: true, pattern: /^ *(?:[*+-]|\d+\.) +([^\n]*)(?:\n|$)/, inside: 1 },
  {
    kind: "block",
    pattern: /^```(?:([a-z0-9_+\-.#]+?)\n)?\n*([^\n][\s\S]*?)\n*```/i,
    shown: (match) => match[2] ?? "",
  },
  { kind: "text", pattern: /^\\([^0-9A-Za-z\s])/, shown: first },
  { kind: "link", pattern: /^<([^: >]+:\/[^ >]+)>/, shown: first },
  { kind: "link", pattern: /^(https?:\/\/[^\s<]+[^<.,:;"')\]\s])/, shown: first },
  { kind: "link", pattern: /^\[((?:\[[^\]]*\]|[^[\]])+)\]\(<?([^\s>)]+)>?\)/, inside: 1 },
  { kind: "bold", pattern: /^\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/, inside: 1 },
  { kind: "underline", pattern: /^__((?:\\[\s\S]|[^\\])+?)__(?!_)/, inside: 1 },
  {
    kind: "italic",
    pattern: /^\*(?=\S)((?:\*\*|\\[\s\S]|\s+(?:\\[\s\S]|[^\s*\\]|\*\*)|[^\s*\\])+?)\*(?!\*)/,
    inside: 1,
  },
  { kind: "italic", pattern: /^_((?:__|\\[\s\S]|[^\\_])+?)_\b/, inside: 1 },
  { kind: "strikethrough", pattern: /^~~([\s\S]+?)~~(?!_)/, inside: 1 },
  { kind: "spoiler", pattern: /^\|\|([\s\S]+?)\|\|/, inside: 1 },
  {
    kind: "code",
    pattern: /^(`+)([\s\S]*?[^`])\1(?!`)/,
    shown: (match) => (match[2] ?? "").trim(),
  },
  { kind: "mention", pattern: /^<(?:@[!&$]?|#)\d+>/ },
  { kind: "mention", pattern: /^<\/[-\w]+(?: [-\w]+){0,2}:\d+>/ },
  { kind: "mention", pattern: /^<id:(?:customize|browse|guide|linked-roles)(?::\d+)?>/ },
  { kind: "mention", pattern: /^@(?:everyone|here)/ },
  { kind: "time", pattern: /^<t:-?\d+(?::[tTdDfFsSR])?>/ },
  { kind: "emoji", pattern: /^<a?:\w+:\d+>/ },
  { kind: "emoji", pattern: /^:[\w+-]+:/ },
]

/** What a text is made of; `text` nodes are only text. `startsLine`: whether the text is at the start of a line. */
export function read(text: string, startsLine = true): ReadonlyArray<Node> {
  return readUnified(text.replaceAll(/\r\n?/g, "\n"), startsLine)
}

/** simple-markdown replaces line ends before it parses. */
function readUnified(source: string, startsLine: boolean): ReadonlyArray<Node> {
  const nodes: Array<Node> = []
  let rest = source
  let atLineStart = startsLine
  while (rest !== "") {
    const found = firstRule(rest, atLineStart, source.slice(0, source.length - rest.length))
    const taken = found?.match[0] ?? rest.slice(0, 1)
    nodes.push(found === undefined ? { kind: "text", shown: taken, inside: [] } : asNode(found))
    rest = rest.slice(taken.length)
    atLineStart = taken.endsWith("\n")
  }
  return nodes
}

/** The kinds of markup in a text, however deep. */
export function kinds(nodes: ReadonlyArray<Node>): ReadonlyArray<string> {
  return nodes.flatMap(({ inside, kind }) => (kind === "text" ? [] : [kind, ...kinds(inside)]))
}

/** What a reader sees. */
export function shown(nodes: ReadonlyArray<Node>): string {
  return nodes.map((node) => node.shown).join("")
}

interface Found {
  readonly rule: Rule
  readonly match: RegExpExecArray
}

function firstRule(rest: string, atLineStart: boolean, before: string): Found | undefined {
  for (const rule of rules) {
    if (rule.block === true && !atLineStart) continue
    // The pattern of `_italic_` wants a word's edge before it.
    if (rest.startsWith("_") && rule.kind === "italic" && /\w$/.test(before)) continue
    const match = rule.pattern.exec(rest)
    if (match !== null) return { rule, match }
  }
  return undefined
}

function asNode({ match, rule }: Found): Node {
  if (rule.inside === undefined) {
    return { kind: rule.kind, shown: (rule.shown ?? all)(match), inside: [] }
  }
  const inside = read(match[rule.inside] ?? "", rule.kind === "quote" || rule.kind === "item")
  const end = rule.block === true && match[0].endsWith("\n") ? "\n" : ""
  return { kind: rule.kind, shown: shown(inside) + end, inside }
}

/**
 * Mentions that the server finds, wherever they stand: it does not parse Markdown, and is not
 * trusted with a backslash.
 */
export function pings(text: string): ReadonlyArray<string> {
  return text.match(/@(?:everyone|here)|<@[!&$]?\d+>/g) ?? []
}
