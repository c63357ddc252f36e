/** Files that are there, and things that are no configuration. */
import { execFileSync } from "node:child_process"
import * as PlatformError from "@effect/platform/Error"
import * as FileSystem from "@effect/platform/FileSystem"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { describe, expect, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { DiscordConfig, YamlConfigProvider } from "../../src/index.js"
import { within } from "./sources.js"

const folder = Effect.flatMap(FileSystem.FileSystem, (files) => files.makeTempDirectoryScoped())

const saved = (content: string | Uint8Array) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const path = `${yield* folder}/discord.yaml`
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content
    yield* files.writeFile(path, bytes)
    return path
  })

const regular: FileSystem.File.Info = {
  type: "File",
  mtime: Option.none(),
  atime: Option.none(),
  birthtime: Option.none(),
  dev: 0,
  ino: Option.none(),
  mode: 0o600,
  nlink: Option.none(),
  uid: Option.none(),
  gid: Option.none(),
  rdev: Option.none(),
  size: FileSystem.Size(1),
  blksize: Option.none(),
  blocks: Option.none(),
}

const said = (path: string) =>
  DiscordConfig.loadFile(path).pipe(
    Effect.flip,
    Effect.map(({ message }) => message.replace(path, "FILE")),
    within({}),
  )

const onDisk = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provide(effect, NodeFileSystem.layer)

describe("a configuration file", () => {
  it.scoped("is read, and errors name it with the line", () =>
    Effect.gen(function* () {
      const path = yield* saved("client:\n  timeout: 5s\n")
      const { client } = yield* within({})(DiscordConfig.loadFile(path))
      expect(String(client.timeout)).toBe("Duration(5s)")
      expect(yield* said(yield* saved("client:\n  timeout: 5\n"))).toMatch(
        /^FILE:2: client\.timeout: /,
      )
    }).pipe(onDisk),
  )

  it.scoped("may begin with a byte order mark and have lines of Windows", () =>
    Effect.gen(function* () {
      const path = yield* saved("\uFEFFclient:\r\n  dry_run: true\r\n")
      const { client } = yield* within({})(DiscordConfig.loadFile(path))
      expect(client.dryRun).toBe(true)
    }).pipe(onDisk),
  )

  it.scoped("that is missing is reported", () =>
    Effect.gen(function* () {
      expect(yield* said(`${yield* folder}/nowhere.yaml`)).toBe("FILE: there is no such file")
    }).pipe(onDisk),
  )

  it.scoped("that is a folder is reported", () =>
    Effect.gen(function* () {
      expect(yield* said(yield* folder)).toBe("FILE: is not a regular file, but a directory")
    }).pipe(onDisk),
  )

  it.effect.each([
    ["PermissionDenied", "FILE: cannot be read: permission denied"],
    ["Busy", "FILE: cannot be read; is it a file?"],
  ] as const)(
    "that the system fails to read (%s) is reported without the system's message",
    ([reason, sentence]) =>
      Effect.gen(function* () {
        const refusing = FileSystem.layerNoop({
          stat: () => Effect.succeed(regular),
          stream: (path) =>
            Stream.fail(
              new PlatformError.SystemError({
                module: "FileSystem",
                method: "stream",
                reason,
                pathOrDescriptor: path,
                description: "EACCES 0600",
              }),
            ),
        })
        expect(yield* Effect.provide(said("secret.yaml"), refusing)).toBe(sentence)
      }),
  )

  it.effect("that the platform cannot open is reported", () =>
    Effect.gen(function* () {
      const refusing = FileSystem.layerNoop({
        stat: () => Effect.succeed(regular),
        stream: () =>
          Stream.fail(new PlatformError.BadArgument({ module: "FileSystem", method: "stream" })),
      })
      expect(yield* Effect.provide(said("x.yaml"), refusing)).toBe("FILE: cannot be read")
    }),
  )

  it.scoped("that is a FIFO is rejected without being opened", () =>
    Effect.gen(function* () {
      const path = `${yield* folder}/discord.yaml`
      execFileSync("mkfifo", [path])
      expect(yield* said(path)).toBe("FILE: is not a regular file, but a FIFO")
    }).pipe(onDisk),
  )

  it.effect.each([
    ["CharacterDevice", "a device"],
    ["BlockDevice", "a device"],
    ["Socket", "a socket"],
    ["FIFO", "a FIFO"],
  ] as const)("that is a %s is rejected without being opened", ([type, kind]) =>
    Effect.gen(function* () {
      const files = FileSystem.layerNoop({
        stat: () => Effect.succeed({ ...regular, type }),
        stream: () => Stream.dieMessage("opened"),
      })
      expect(yield* Effect.provide(said("x.yaml"), files)).toBe(
        `FILE: is not a regular file, but ${kind}`,
      )
    }),
  )

  it.scoped("may be a link to a file", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const path = yield* saved("client: { dry_run: true }\n")
      yield* files.symlink(path, `${path}.link`)
      const { client } = yield* within({})(DiscordConfig.loadFile(`${path}.link`))
      expect(client.dryRun).toBe(true)
    }).pipe(onDisk),
  )

  it.scoped("that is not text is reported", () =>
    Effect.gen(function* () {
      expect(yield* said(yield* saved(Uint8Array.of(0xc3, 0x28)))).toBe(
        "FILE: is not text in UTF-8",
      )
    }).pipe(onDisk),
  )

  it.scoped("of 50 MB is rejected after 256 kB, before parsing", () =>
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const path = yield* saved("client: {}\n")
      yield* files.truncate(path, FileSystem.Size(50_000_000))
      let read = 0
      const watched = FileSystem.FileSystem.of({
        ...files,
        stream: (...args) =>
          Stream.tap(files.stream(...args), (chunk) => Effect.sync(() => (read += chunk.length))),
      })
      expect(yield* said(path).pipe(Effect.provideService(FileSystem.FileSystem, watched))).toBe(
        "FILE: is larger than 256 kB; is it the right file?",
      )
      expect(read).toBe(256_001)
    }).pipe(onDisk),
  )

  it.scoped("of exactly 256 kB is read", () =>
    Effect.gen(function* () {
      const path = yield* saved("#".repeat(256_000))
      expect((yield* within({})(DiscordConfig.loadFile(path))).client.dryRun).toBe(false)
    }).pipe(onDisk),
  )
})

describe("YamlConfigProvider", () => {
  const app = Config.all({
    host: Config.string("host"),
    port: Config.integer("port"),
    tags: Config.array(Config.string(), "tags"),
    debug: Config.boolean("debug"),
  }).pipe(Config.nested("server"))

  const yaml =
    'defaults: &defaults { host: localhost, debug: true }\nserver:\n  host: example.com\n  port: 8080\n  tags: [a, "b,c"]\n  debug: false\n'

  it.effect("gives Config what the text has, lists included", () =>
    Effect.gen(function* () {
      const provider = yield* YamlConfigProvider.fromText(yaml)
      expect(yield* Effect.withConfigProvider(app, provider)).toEqual({
        host: "example.com",
        port: 8080,
        tags: ["a", "b,c"],
        debug: false,
      })
    }),
  )

  it.effect("gives an alias what its anchor has", () =>
    Effect.gen(function* () {
      const provider = yield* YamlConfigProvider.fromText("a: &x { host: h }\nb: *x\n")
      const host = Config.string("host").pipe(Config.nested("b"))
      expect(yield* Effect.withConfigProvider(host, provider)).toBe("h")
    }),
  )

  it.effect.each(["", "# nothing", "~"])("has nothing in %j", (text) =>
    Effect.gen(function* () {
      const provider = yield* YamlConfigProvider.fromText(text)
      const found = yield* Effect.withConfigProvider(Config.option(Config.string("a")), provider)
      expect(found._tag).toBe("None")
    }),
  )

  it.effect("names the text and the line of what is no YAML", () =>
    Effect.gen(function* () {
      const { message } = yield* Effect.flip(YamlConfigProvider.fromText("a: 1\na: 2", "app.yaml"))
      expect(message).toBe("app.yaml:2: a is there twice; keep one of them")
    }),
  )

  it.scoped("as a layer, is read after the current provider", () =>
    Effect.gen(function* () {
      const path = yield* saved("port: 1\nhost: h\n")
      const seen = yield* Config.all([Config.integer("port"), Config.string("host")]).pipe(
        Effect.provide(
          YamlConfigProvider.layerFile(path).pipe(
            Layer.provide(
              Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["port", "2"]]))),
            ),
          ),
        ),
      )
      expect(seen).toEqual([2, "h"])
    }).pipe(onDisk),
  )

  it.scoped("as a layer, fails when there is no such file", () =>
    Effect.gen(function* () {
      const path = `${yield* folder}/nowhere.yaml`
      const error = yield* Effect.flip(Layer.build(YamlConfigProvider.layerFile(path)))
      expect(error).toMatchObject({ _tag: "DiscordConfigurationError" })
    }).pipe(onDisk),
  )
})
