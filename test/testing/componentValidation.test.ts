import { type Edge, many, testEdges, x } from "./edge.js"
import { withFiles } from "./request.js"

const v2 = 1 << 15

const edges: ReadonlyArray<Edge> = [
  [
    "V1 rows 5",
    { content: "a", components: many(5, row) },
    { content: "a", components: many(6, row) },
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
    "a select fills its row",
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
    "V2 kinds need the flag",
    layout(textDisplay("a")),
    components(textDisplay("a")),
    "components.0 UNION_TYPE_CHOICES",
  ],
  [
    "V2 total 40",
    layout({ type: 17, components: many(39, () => ({ type: 14 })) }),
    layout({ type: 17, components: many(40, () => ({ type: 14 })) }),
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
    "V2 excludes embeds",
    layout(textDisplay("a")),
    { ...layout(textDisplay("a")), embeds: [{ title: "a" }] },
    "embeds MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
  ],
]

testEdges(edges)

function link(index: number) {
  return { type: 2, style: 5, label: `l${index}`, url: "https://a.b" }
}

function row(_: number, count = 1) {
  return { type: 1, components: many(count, link) }
}

function buttons(...ids: ReadonlyArray<string>) {
  return { type: 1, components: ids.map((id) => ({ type: 2, style: 1, label: id, custom_id: id })) }
}

function button(fields: object) {
  return components({ type: 1, components: [{ ...link(0), ...fields }] })
}

function select(count: number) {
  const options = many(count, (index) => ({ label: `l${index}`, value: `v${index}` }))
  return { type: 3, custom_id: "s", options }
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

function gallery(count: number) {
  return { type: 12, items: many(count, () => ({ media: { url: "https://a.b/c.png" } })) }
}

function section(count: number) {
  return {
    type: 9,
    components: many(count, (index) => textDisplay(`${index}`)),
    accessory: link(0),
  }
}
