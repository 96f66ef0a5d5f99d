"use strict";
// Each figure is kept twice, as data: one for light and one for dark. Paper is always light.
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const config = JSON.parse(document.getElementById("configuration").textContent);
const figures = [...document.querySelectorAll(".plot")].map((place) => ({
  place, drawn: JSON.parse(document.getElementById(place.dataset.figure).textContent),
}));
const draw = (theme) => {
  for (const { place, drawn } of figures) Plotly.react(place, drawn[theme].data, drawn[theme].layout, config);
};
const drawForScreen = () => draw(prefersDark.matches ? "dark" : "light");
const folded = () => [...document.querySelectorAll("details:not([open])")];
let opened = [];
prefersDark.addEventListener("change", drawForScreen);
addEventListener("beforeprint", () => {
  opened = folded();
  opened.forEach((part) => { part.open = true; });
  draw("light");
});
addEventListener("afterprint", () => {
  opened.forEach((part) => { part.open = false; });
  drawForScreen();
});
drawForScreen();
