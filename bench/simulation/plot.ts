/** The results as a picture: for each scenario, how far each strategy is from the optimum, and its 429s. */

export interface Mark {
  readonly scenario: string
  readonly strategy: string
  readonly ratio: number
  readonly limited: number
  /** Of whoever does not see into the future, over the optimum; `null` where that is not told. */
  readonly causal: number | null
}

const rowHeight = 22
const top = 78
const left = 390
const panel = { width: 330, gap: 40 }
const width = left + 2 * panel.width + panel.gap + 30

/** Later ones are drawn on top. Shapes and colours both tell, for those who see only one of them. */
const strategies = ["reactive", "proactive", "adaptive"]

/** Ratios beyond the right edge are drawn on it. */
const ratios = { from: 1, to: 1.8, ticks: [1, 1.2, 1.4, 1.6, 1.8] }
const counts = { to: 600, ticks: [0, 1, 3, 10, 30, 100, 300] }

const rightPanel = left + panel.width + panel.gap

const style = `<style>
.ground { fill: #ffffff } .label, .tick { fill: #24292f } .grid { stroke: #d0d7de }
.causal { stroke: #1a7f37 } .reactive { fill: #8c959f } .proactive { fill: #0969da } .adaptive { fill: #bc4c00 }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117 } .label, .tick { fill: #e6edf3 } .grid { stroke: #30363d }
.causal { stroke: #3fb950 } .reactive { fill: #8b949e } .proactive { fill: #58a6ff } .adaptive { fill: #f0883e }
}
</style>`

export const plot = (marks: ReadonlyArray<Mark>): string => {
  const scenarios = [...new Set(marks.map((mark) => mark.scenario))]
  const bottom = top + scenarios.length * rowHeight
  const rowOf = (scenario: string) => top + (scenarios.indexOf(scenario) + 0.5) * rowHeight
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + 50}" font-family="system-ui, sans-serif" font-size="12">`,
    style,
    `<title>Strategies on ${scenarios.length} scenarios: makespan against the offline optimum, and answers 429</title>`,
    `<rect class="ground" width="100%" height="100%"/>`,
    ...strategies.map(legend),
    causalLegend(left + strategies.length * 110),
    axis(left, bottom, ratios.ticks, ratioX, "makespan / offline optimum", (tick) =>
      tick.toFixed(1),
    ),
    axis(rightPanel, bottom, counts.ticks, countX, "answers 429 (per run, log scale)", String),
    ...scenarios.map(
      (scenario) =>
        `<text class="label" x="${left - 14}" y="${rowOf(scenario) + 4}" text-anchor="end">${escape(scenario)}</text>`,
    ),
    ...marks.map((mark) => causal(mark, rowOf(mark.scenario))),
    // Sorted, so that the later strategies are drawn on top.
    ...strategies.flatMap((strategy) =>
      marks.flatMap((mark) =>
        mark.strategy === strategy ? drawn(mark, rowOf(mark.scenario)) : [],
      ),
    ),
    `</svg>`,
    "",
  ].join("\n")
}

function drawn(mark: Mark, y: number): ReadonlyArray<string> {
  return [
    shape(mark.strategy, ratioX(mark.ratio), y),
    shape(mark.strategy, countX(mark.limited), y),
  ]
}

function ratioX(ratio: number): number {
  const share = (Math.min(ratio, ratios.to) - ratios.from) / (ratios.to - ratios.from)
  return left + Math.max(0, share) * panel.width
}

function countX(count: number): number {
  return rightPanel + (Math.log1p(Math.min(count, counts.to)) / Math.log1p(counts.to)) * panel.width
}

function axis(
  x: number,
  bottom: number,
  ticks: ReadonlyArray<number>,
  at: (tick: number) => number,
  name: string,
  text: (tick: number) => string,
): string {
  const lines = ticks.map(
    (tick) =>
      `<line class="grid" x1="${at(tick)}" x2="${at(tick)}" y1="${top}" y2="${bottom}"/>` +
      `<text class="tick" x="${at(tick)}" y="${bottom + 16}" text-anchor="middle">${text(tick)}</text>`,
  )
  return `${lines.join("")}<text class="label" x="${x + panel.width / 2}" y="${bottom + 36}" text-anchor="middle">${name}</text>`
}

function legend(strategy: string, index: number): string {
  const x = left + index * 110
  return `${shape(strategy, x, 40)}<text class="label" x="${x + 12}" y="44">${strategy}</text>`
}

function causalLegend(x: number): string {
  return `${bar(x, 40)}<text class="label" x="${x + 12}" y="44">the least without foresight</text>`
}

/** Once for each scenario. */
function causal({ strategy, causal: ratio }: Mark, y: number): string {
  return strategy === strategies[0] && ratio !== null ? bar(ratioX(ratio), y) : ""
}

function bar(x: number, y: number): string {
  return `<line class="causal" x1="${x}" x2="${x}" y1="${y - 9}" y2="${y + 9}" stroke-width="2"/>`
}

function shape(strategy: string, x: number, y: number): string {
  if (strategy === "reactive") {
    return `<rect class="reactive" x="${x - 5}" y="${y - 5}" width="10" height="10"/>`
  }
  return strategy === "proactive"
    ? `<circle class="proactive" cx="${x}" cy="${y}" r="5"/>`
    : `<path class="adaptive" d="M${x} ${y - 5}L${x + 5} ${y + 4}H${x - 5}Z"/>`
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
}
