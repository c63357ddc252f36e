import { expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type LimitCase, withoutLimits, repeat, testLimits, x } from "./limitTests.js"
import { editMessage, leaves, send, withFiles } from "./request.js"
import { simulatorTest } from "./simulatorTest.js"

const v2 = 1 << 15

const user = { type: 5, custom_id: "s" }

const edges: ReadonlyArray<LimitCase> = [
  [
    "V1 rows 5",
    { content: "a", components: repeat(5, row) },
    { content: "a", components: repeat(6, row) },
    "components BASE_TYPE_MAX_LENGTH",
  ],
  [
    "row buttons 5",
    components(row(0, 5)),
    components(row(0, 6)),
    "components.0.components BASE_TYPE_BAD_LENGTH",
  ],
  [
    "button label 80",
    button({ label: x(80) }),
    button({ label: x(81) }),
    "components.0.components.0.label BASE_TYPE_MAX_LENGTH",
  ],
  [
    "button url 512",
    button({ url: `https://a.b/${x(500)}` }),
    button({ url: `https://a.b/${x(501)}` }),
    "components.0.components.0.url BASE_TYPE_MAX_LENGTH",
  ],
  [
    "button style",
    button({}),
    button({ style: 7, url: null, custom_id: "a" }),
    "components.0.components.0.style BASE_TYPE_CHOICES",
  ],
  [
    "a link has a url",
    button({}),
    button({ url: null }),
    "components.0.components.0.url BASE_TYPE_REQUIRED",
  ],
  [
    "a link has no custom_id",
    button({}),
    button({ custom_id: "a" }),
    "components.0.components.0.custom_id BUTTON_COMPONENT_INVALID_FIELD",
  ],
  [
    "custom ids are unique",
    components(buttons("a", "b")),
    components(buttons("a", "a")),
    "components.0.components.1.custom_id COMPONENT_CUSTOM_ID_DUPLICATED",
  ],
  [
    "a select is alone in its row",
    components({ type: 1, components: [select(25)] }),
    components({ type: 1, components: [select(1), link(1)] }),
    "components.0.components.1 COMPONENT_LAYOUT_WIDTH_EXCEEDED",
  ],
  [
    "select options 25",
    components({ type: 1, components: [select(25)] }),
    components({ type: 1, components: [select(26)] }),
    "components.0.components.0.options BASE_TYPE_BAD_LENGTH",
  ],
  [
    "at least max_values options",
    choose({ ...select(3), max_values: 3 }),
    choose({ ...select(3), max_values: 4 }),
    "components.0.components.0.options BASE_TYPE_BAD_LENGTH",
  ],
  [
    "a select has options",
    choose(select(1)),
    choose(select(0)),
    "components.0.components.0.options BASE_TYPE_BAD_LENGTH",
  ],
  [
    "option values are unique",
    choose(select(2)),
    choose({ ...select(1), options: repeat(2, () => ({ label: "l", value: "v" })) }),
    "components.0.components.0.options.1 SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
  ],
  [
    "min_values is at most max_values",
    choose({ ...user, min_values: 2, max_values: 2 }),
    choose({ ...user, min_values: 3, max_values: 2 }),
    "components.0.components.0.min_values NUMBER_TYPE_MAX",
  ],
  [
    "min_values 25",
    choose({ ...user, min_values: 25, max_values: 25 }),
    choose({ ...user, min_values: 1, max_values: 26 }),
    "components.0.components.0.max_values NUMBER_TYPE_MAX",
  ],
  [
    "placeholder 150",
    choose({ ...user, placeholder: x(150) }),
    choose({ ...user, placeholder: x(151) }),
    "components.0.components.0.placeholder BASE_TYPE_MAX_LENGTH",
  ],
  [
    "a select has a custom_id",
    choose(user),
    choose({ type: 5 }),
    "components.0.components.0.custom_id BASE_TYPE_REQUIRED",
  ],
  [
    "custom_id 100",
    choose({ ...user, custom_id: x(100) }),
    choose({ ...user, custom_id: x(101) }),
    "components.0.components.0.custom_id BASE_TYPE_BAD_LENGTH",
  ],
  ...(
    [
      [5, "user", "role"],
      [6, "role", "user"],
      [7, "role", "channel"],
      [7, "user", "channel"],
      [8, "channel", "user"],
    ] as const
  ).map(([type, good, bad]): LimitCase => [
    `a select of type ${type} starts with a ${good}`,
    choose({ ...user, type, default_values: [{ id: "1", type: good }] }),
    choose({ ...user, type, default_values: [{ id: "1", type: bad }] }),
    "components.0.components.0.default_values.0.type BASE_TYPE_CHOICES",
  ]),
  [
    "default values 25",
    choose({ ...user, default_values: repeat(25, starts) }),
    choose({ ...user, default_values: repeat(26, starts) }),
    "components.0.components.0.default_values BASE_TYPE_MAX_LENGTH",
  ],
  [
    "channel types exist",
    choose({ ...user, type: 8, channel_types: [0, 15] }),
    choose({ ...user, type: 8, channel_types: [0, 6] }),
    "components.0.components.0.channel_types.1 BASE_TYPE_CHOICES",
  ],
  [
    "an emoji has an id or a name",
    button({ emoji: { id: "1" } }),
    button({ emoji: {} }),
    "components.0.components.0.emoji.name BUTTON_COMPONENT_INVALID_EMOJI",
  ],
  ...["label", "emoji", "url", "custom_id"].map((name): LimitCase => {
    const premium = { type: 2, style: 6, sku_id: "1" }
    const value = name === "emoji" ? { name: "\u2693" } : "https://a.b"
    return [
      `a premium button has no ${name}`,
      choose(premium),
      choose({ ...premium, [name]: value }),
      `components.0.components.0.${name} BUTTON_COMPONENT_INVALID_FIELD`,
    ]
  }),
  [
    "only premium buttons have a sku_id",
    button({}),
    button({ sku_id: "1" }),
    "components.0.components.0.sku_id BUTTON_COMPONENT_INVALID_FIELD",
  ],
  [
    "components of modals are not allowed",
    layout(textDisplay("a")),
    layout({ type: 18, label: "a" }),
    "components.0 UNION_TYPE_CHOICES",
  ],
  [
    "a thumbnail must be in a section",
    layout({ ...section(1), accessory: { type: 11, media: { url: "https://a.b/c.png" } } }),
    layout({ type: 11, media: { url: "https://a.b/c.png" } }),
    "components.0 UNION_TYPE_CHOICES",
  ],
  [
    "a section contains text only",
    layout(section(1)),
    layout({ ...section(1), components: [{ type: 14 }] }),
    "components.0.components.0 UNION_TYPE_CHOICES",
  ],
  [
    "a container is not empty",
    layout({ type: 17, components: [textDisplay("a")] }),
    layout({ type: 17, components: [] }),
    "components.0.components BASE_TYPE_BAD_LENGTH",
  ],
  [
    "accent color",
    layout({ type: 17, accent_color: 16777215, components: [textDisplay("a")] }),
    layout({ type: 17, accent_color: 16777216, components: [textDisplay("a")] }),
    "components.0.accent_color NUMBER_TYPE_MAX",
  ],
  [
    "alternative text 1024",
    layout(gallery(1, x(1024))),
    layout(gallery(1, x(1025))),
    "components.0.items.0.description BASE_TYPE_BAD_LENGTH",
  ],
  [
    "alternative text is not empty",
    layout(gallery(1, "a")),
    layout(gallery(1, "")),
    "components.0.items.0.description BASE_TYPE_BAD_LENGTH",
  ],
  [
    "media url 2048",
    layout(gallery(1, "a", `https://a.b/${x(2036)}`)),
    layout(gallery(1, "a", `https://a.b/${x(2037)}`)),
    "components.0.items.0.media.url BASE_TYPE_MAX_LENGTH",
  ],
  [
    "component id",
    layout({ ...textDisplay("a"), id: 2147483647 }),
    layout({ ...textDisplay("a"), id: 2147483648 }),
    "components.0.id NUMBER_TYPE_MAX",
  ],
  [
    "an id of 0 is replaced by Discord",
    layout({ ...textDisplay("a"), id: 0 }, { ...textDisplay("b"), id: 0 }),
    layout({ ...textDisplay("a"), id: -1 }),
    "components.0.id NUMBER_TYPE_MIN",
  ],
  [
    "V2 kinds need the flag",
    layout(textDisplay("a")),
    components(textDisplay("a")),
    "components.0 UNION_TYPE_CHOICES",
  ],
  [
    "V2 total 40",
    layout({ type: 17, components: repeat(39, () => ({ type: 14 })) }),
    layout({ type: 17, components: repeat(40, () => ({ type: 14 })) }),
    "components COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
  ],
  [
    "V2 text 4000 in total",
    layout(textDisplay(x(2000)), textDisplay(x(2000))),
    layout(textDisplay(x(2000)), textDisplay(x(2001))),
    "components COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
  ],
  [
    "V2 text 4000",
    layout(textDisplay(x(4000))),
    layout(textDisplay(x(4001))),
    "components.0.content BASE_TYPE_BAD_LENGTH",
  ],
  [
    "gallery 10",
    layout(gallery(10)),
    layout(gallery(11)),
    "components.0.items BASE_TYPE_BAD_LENGTH",
  ],
  [
    "section texts 3",
    layout(section(3)),
    layout(section(4)),
    "components.0.components BASE_TYPE_BAD_LENGTH",
  ],
  [
    "a section has an accessory",
    layout(section(1)),
    layout({ ...section(1), accessory: undefined }),
    "components.0.accessory BASE_TYPE_REQUIRED",
  ],
  [
    "no container in a container",
    layout({ type: 17, components: [textDisplay("a")] }),
    layout({ type: 17, components: [{ type: 17, components: [textDisplay("a")] }] }),
    "components.0.components.0 UNION_TYPE_CHOICES",
  ],
  [
    "separator spacing",
    layout({ type: 14, spacing: 2 }),
    layout({ type: 14, spacing: 3 }),
    "components.0.spacing BASE_TYPE_CHOICES",
  ],
  [
    "component ids are unique",
    layout({ ...textDisplay("a"), id: 1 }, { ...textDisplay("b"), id: 2 }),
    layout({ ...textDisplay("a"), id: 1 }, { ...textDisplay("b"), id: 1 }),
    "components.1.id COMPONENT_ID_DUPLICATED",
  ],
  [
    "a file is an attachment",
    withFiles(layout({ type: 13, file: { url: "attachment://a" } }), new File(["a"], "a")),
    layout({ type: 13, file: { url: "https://a.b/c" } }),
    "components.0.file.url URL_TYPE_INVALID_SCHEME",
  ],
  [
    "V2 excludes content",
    layout(textDisplay("a")),
    { ...layout(textDisplay("a")), content: "a" },
    "content MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
  ],
  [
    "V2 excludes polls",
    layout(textDisplay("a")),
    {
      ...layout(textDisplay("a")),
      poll: { question: { text: "q" }, answers: [{ poll_media: { text: "a" } }] },
    },
    "poll MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
  ],
  [
    "V2 excludes embeds",
    layout(textDisplay("a")),
    { ...layout(textDisplay("a")), embeds: [{ title: "a" }] },
    "embeds MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
  ],
]

testLimits(edges)

const interactive: ReadonlyArray<readonly [kind: string, component: object]> = [
  ["a button", { type: 2, style: 1, label: "l", custom_id: "a" }],
  ["a premium button", { type: 2, style: 6, sku_id: "1" }],
  ["a string select", select(1)],
  ...[5, 6, 7, 8].map((type) => [`a select of type ${type}`, { ...user, type }] as const),
]

for (const [kind, component] of interactive) {
  simulatorTest(
    `a plain webhook cannot send ${kind}, wherever it stands`,
    withoutLimits,
    (simulator) =>
      Effect.gen(function* () {
        const hook = yield* simulator.createWebhook()
        const { id } = (yield* send(hook, { content: "a" })).body
        const inRow = { type: 1, components: [component] }
        const query = { with_components: true }
        for (const [body, at] of [
          [components(inRow), "components.0.components.0"],
          [layout({ type: 17, components: [inRow] }), "components.0.components.0.components.0"],
        ] as const) {
          const leaf = `${at} COMPONENT_TYPE_INVALID`
          expect(leaves(yield* send(hook, body, query))).toEqual([leaf])
          const cleared = "flags" in body ? { ...body, content: null } : body
          expect(leaves(yield* editMessage(hook, id, cleared, query))).toEqual([leaf])
        }
      }),
  )
}

simulatorTest(
  "ignores the components of a webhook without with_components",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const query = { with_components: true }
      const sent = yield* send(hook, components(row(0)))
      expect([sent.status, sent.body["components"]]).toEqual([200, []])
      const { id } = sent.body
      const ignored = yield* editMessage(hook, id, components(row(0)))
      expect([ignored.status, ignored.body["components"]]).toEqual([200, []])
      const edited = yield* editMessage(hook, id, components(row(0)), query)
      expect(edited.body["components"]).toMatchObject([row(0)])
      expect((yield* send(hook, layout(textDisplay("a")))).body.code).toBe(50006)
      expect((yield* send(hook, layout(section(1)), query)).status).toBe(200)
    }),
)

simulatorTest(
  "a message that becomes V2 must clear content, embeds and poll",
  withoutLimits,
  (simulator) =>
    Effect.gen(function* () {
      const hook = yield* simulator.createWebhook()
      const poll = { question: { text: "q" }, answers: [{ poll_media: { text: "a" } }] }
      const query = { with_components: true }
      const { id } = (yield* send(hook, { content: "a", poll })).body
      expect((yield* editMessage(hook, id, { poll })).body.code).toBe(520003)
      const code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
      const body = layout(textDisplay("b"))
      expect(leaves(yield* editMessage(hook, id, body, query))).toEqual([
        `content ${code}`,
        `poll ${code}`,
      ])
      const cleared = { ...body, content: null, poll: null, embeds: [] }
      const edited = yield* editMessage(hook, id, cleared, query)
      expect(edited.body).toMatchObject({ content: "", flags: v2, components: [{ content: "b" }] })
      expect(edited.body).not.toHaveProperty("poll")
      const back = yield* editMessage(hook, id, { flags: 0, content: "c" }, query)
      expect(leaves(back)).toEqual([`content ${code}`])
    }),
)

simulatorTest("rejects values that cannot become a number or a text", withoutLimits, (simulator) =>
  Effect.gen(function* () {
    const hook = yield* simulator.createWebhook({ applicationOwned: true })
    const odd = { toString: 1 }
    const child = { type: 2, style: 5, label: "a", url: "https://a.b" }
    for (const other of [
      { ...child, style: odd },
      { ...child, type: odd },
    ]) {
      const body = { components: [{ type: 1, components: [child, other] }] }
      expect((yield* send(hook, body)).status).toBe(400)
    }
  }),
)

function link(index: number) {
  return { type: 2, style: 5, label: `l${index}`, url: "https://a.b" }
}

function row(_: number, count = 1) {
  return { type: 1, components: repeat(count, link) }
}

function buttons(...ids: ReadonlyArray<string>) {
  return { type: 1, components: ids.map((id) => ({ type: 2, style: 1, label: id, custom_id: id })) }
}

function button(fields: object) {
  return components({ type: 1, components: [{ ...link(0), ...fields }] })
}

function select(count: number) {
  const options = repeat(count, (index) => ({ label: `l${index}`, value: `v${index}` }))
  return { type: 3, custom_id: "s", options }
}

function choose(component: object) {
  return components({ type: 1, components: [component] })
}

function starts(index: number) {
  return { id: String(index), type: "user" }
}

function components(...list: ReadonlyArray<object>) {
  return { content: "ahoy", components: list }
}

function layout(...list: ReadonlyArray<object>) {
  return { flags: v2, components: list }
}

function textDisplay(content: string) {
  return { type: 10, content }
}

function gallery(count: number, description = "alt", url = "https://a.b/c.png") {
  return { type: 12, items: repeat(count, () => ({ media: { url }, description })) }
}

function section(count: number) {
  return {
    type: 9,
    components: repeat(count, (index) => textDisplay(`${index}`)),
    accessory: link(0),
  }
}
