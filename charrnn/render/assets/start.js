// The beginning: what the page holds, and the order in which its panels are made.

let START; // the state in which samples begin, and the logits of their first character
let whyReading = null, whyWriting = null; // each an Explanation

function makeNetwork() {
  if (!DATA.network) return null;
  const network = loadNetwork(DATA.network, $("weights").textContent, CHARACTERS);
  const numbers = new Float32Array(bytesOf($("start").textContent).buffer);
  const size = numbers.length - CHARACTERS.length;
  START = [numbers.subarray(0, size), numbers.subarray(size)];
  return network;
}

async function start() {
  if (!TEXT.length || !DATA.signals.length) { // nothing to show
    $("trouble").hidden = true;
    return;
  }
  await recorded.load();
  const network = makeNetwork();
  const layers = [...new Set(DATA.signals.map(({ layer }) => layer))];
  $("layer").replaceChildren(...layers.map((layer) => new Option(layer, layer)));
  reading.view = new TextView($("text"), (position) => classIn(reading.passage, position),
    onMoveInText);
  if (network) {
    reading.own = new Live(network);
    whyReading = new Explanation(network, $("why-reading"));
    whyWriting = new Explanation(network, $("why-writing"));
    startWriting(network);
    listenToHolding();
  }
  listenToChoice();
  listenToReading();
  show(recorded);
  $("workbench").hidden = false;
  $("trouble").hidden = true;
  await showFirst();
  if (network) await writeFirst();
  $("workbench").removeAttribute("aria-busy");
}

/** Show the cell in the address; without one the first cell found, from the beginning of the text. */
async function showFirst() {
  if (await follow(location.hash)) return;
  const found = document.querySelector("#found a")?.hash.replace(/&position=.*/, "");
  if (!(await follow(found ?? ""))) await choose({});
  reading.view.go(0);
}

start().catch((error) => {
  $("trouble").textContent = `The network cannot run here: ${error.message}. The page needs `
    + `${$("browsers").textContent}.`;
  $("trouble").hidden = false;
});
