/**
 * Loaded before the service: its Date runs ahead of the machine's by as much as whoever simulates says, as its database and the
 * stand-ins do. Ends with whoever started it.
 */
let aheadMs = Number(process.env.SIMULATED_AHEAD_MS ?? 0)
const MachineDate = Date

globalThis.Date = class extends MachineDate {
  constructor(...given) {
    super(...(given.length === 0 ? [MachineDate.now() + aheadMs] : given))
  }
  static now() {
    return MachineDate.now() + aheadMs
  }
}
process.on('message', (told) => {
  aheadMs = told.aheadMs
})
process.on('disconnect', () => process.exit(1))
