/**
 * The floors of `src`, from the bottom. A floor may import itself and the floors below; edges may
 * import every floor, but not one another. An island imports nothing of ours. Files in a folder
 * `internal` are imported from its parent folder only.
 */
interface Floor {
  /** Below `src`. */
  readonly folder: string
  /** What it may import of other packages; `node:` stands for every module of Node. */
  readonly packages: ReadonlyArray<string>
}

export const floors: ReadonlyArray<Floor> = [
  { folder: "model", packages: ["effect"] },
  { folder: "error", packages: ["effect"] },
  { folder: "ratelimit", packages: ["effect"] },
  { folder: "rest", packages: ["effect", "@effect/platform", "mime"] },
  { folder: "webhook", packages: ["effect", "@effect/platform"] },
  { folder: "outbox", packages: ["effect", "@effect/platform"] },
  { folder: "sql", packages: ["effect", "@effect/sql"] },
  { folder: "config", packages: ["effect", "@effect/platform", "yaml"] },
]

export const edges: ReadonlyArray<Floor> = [
  { folder: "testing", packages: ["effect", "@effect/platform"] },
  { folder: "node", packages: ["effect", "@effect/platform", "@effect/platform-node", "node:"] },
  { folder: "redis", packages: ["effect", "ioredis", "node:"] },
  {
    folder: "sqlite",
    packages: ["effect", "@effect/experimental", "@effect/sql", "@libsql/client", "node:"],
  },
]

/** The simulator shares no line with the SDK, so that one mistake cannot be right on both sides. */
export const islands: ReadonlyArray<string> = ["testing/simulator"]

/** What is wrong with the imports of a file; paths are relative to `src`. */
export function wrongImports(file: string, imports: ReadonlyArray<string>): ReadonlyArray<string> {
  const from = floorOf(file)
  if (from === undefined) return []
  const island = islands.find((folder) => file.startsWith(`${folder}/`))
  return imports.flatMap((specifier) => {
    if (!specifier.startsWith(".")) {
      return from.floor.packages.some((name) => isOf(specifier, name))
        ? []
        : [
            `imports ${specifier}; ${from.floor.folder} may import ${from.floor.packages.join(", ")}`,
          ]
    }
    const target = new URL(specifier, `file:///${file}`).pathname.slice(1)
    if (island !== undefined && !target.startsWith(`${island}/`)) {
      return [`imports ${target}; ${island} is an island and imports nothing else of ours`]
    }
    const owner = internalOwner(target)
    if (owner !== undefined && !file.startsWith(owner)) {
      return [`imports ${target}; only ${owner} may import its internal files`]
    }
    const to = floorOf(target)
    const isBelow = to !== undefined && (to.height < from.height || to.floor === from.floor)
    return isBelow ? [] : [`imports ${target}, which is not below ${from.floor.folder}`]
  })
}

/** The folder whose `internal` folder a file is in. */
function internalOwner(file: string): string | undefined {
  const end = file.indexOf("/internal/")
  return end < 0 ? undefined : file.slice(0, end + 1)
}

function floorOf(file: string): { readonly floor: Floor; readonly height: number } | undefined {
  const height = floors.findIndex(({ folder }) => file.startsWith(`${folder}/`))
  const floor = floors[height] ?? edges.find(({ folder }) => file.startsWith(`${folder}/`))
  return floor && { floor, height: height < 0 ? floors.length : height }
}

function isOf(specifier: string, name: string): boolean {
  return name.endsWith(":")
    ? specifier.startsWith(name)
    : specifier === name || specifier.startsWith(`${name}/`)
}
