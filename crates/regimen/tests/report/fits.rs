//! Whether a page fits the window: nothing wider than what holds it, no text cut off.

use std::path::Path;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::page::{assert_quiet, keep};

/// Widths of a telephone, a laptop and a large screen.
const WIDTHS: [u32; 3] = [400, 1280, 1920];

/// Elements that reach beyond the window outside a frame of their own that scrolls, text that is cut
/// off by its element, tables that scroll beside free room, labels that leave their drawing, and whatever
/// was loaded.
const FAULTS: &str = r#"
const faults = [];
const told = (element, why) => {
    const name = element.tagName + "." + (element.getAttribute("class") ?? "");
    faults.push(`${why}: ${name} ${element.textContent.trim().slice(0, 40)}`);
};
const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
const inFrame = (element) => {
    for (let at = element.parentElement; at && at !== document.documentElement; at = at.parentElement) {
        if (scrolls(at)) return true;
    }
    return false;
};
const edge = document.documentElement.clientWidth + 1;
if (document.documentElement.scrollWidth > edge) faults.push("the page scrolls sideways");
for (const element of document.querySelectorAll("body *")) {
    const drawn = element.getClientRects().length > 0;
    // Read aloud, but not seen.
    if (!drawn || element.matches(".skip, h2.only")) continue;
    const place = element.getBoundingClientRect();
    if (!inFrame(element) && (place.right > edge || place.left < -1)) told(element, "beyond the window");
    const style = getComputedStyle(element);
    const isCut = style.overflowX === "hidden" || style.overflowX === "clip";
    if (!element.closest("svg, .live") && isCut && element.scrollWidth > element.clientWidth + 1) told(element, "cut off");
    const room = element.closest(".side")?.getBoundingClientRect().right - place.right;
    if (element.matches(".table-box .scroll") && element.scrollWidth > element.clientWidth + 1 && room > 60) {
        told(element, "scrolls beside free room");
    }
    if (element.tagName === "text") {
        const around = element.ownerSVGElement.getBoundingClientRect();
        const inside = place.left >= around.left - 2 && place.right <= around.right + 2
            && place.top >= around.top - 2 && place.bottom <= around.bottom + 2;
        if (!inside) told(element, "label outside its drawing");
    }
}
for (const one of performance.getEntriesByType("resource")) {
    if (!one.name.startsWith("data:")) faults.push(`loaded: ${one.name}`);
}
return faults;
"#;

/// Opens a page at every width, in light and in dark, and looks for faults; then on paper.
pub(crate) fn assert_fits(browser: &Browser, page: &Path, name: &str) {
    for width in WIDTHS {
        browser.resize(width, 1000);
        browser.open(page);
        open_all(browser);
        for scheme in ["light", "dark"] {
            browser.show("screen", scheme);
            assert_none(browser, &format!("{name} at {width} pixels, {scheme}"));
            keep(browser, &format!("{name}-{width}-{scheme}"));
        }
    }
    browser.show("print", "light");
    browser.resize(700, 1000);
    assert_none(browser, &format!("{name} on paper"));
    keep(browser, &format!("{name}-print"));
    let stills = "return [...document.querySelectorAll('.still')].every(s => s.getBoundingClientRect().width > 0)";
    assert_eq!(browser.evaluate(stills), true, "{name}: paper has the drawings");
    browser.show("screen", "light");
    assert_quiet(browser);
}

fn assert_none(browser: &Browser, place: &str) {
    let faults = browser.evaluate(FAULTS);
    let faults: Vec<&str> = faults.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(faults.is_empty(), "{place}: {faults:#?}");
}

/// Has every chart drawn by the script, and every part of the page unfolded.
pub(crate) fn open_all(browser: &Browser) {
    let script = "document.querySelectorAll('details').forEach(d => d.open = true); \
         document.querySelectorAll('figure[data-chart]').forEach(f => f.figure.open()); return true";
    browser.evaluate(script);
}

/// Without scripts the tables and the drawings are there, and nothing that needs one.
pub(crate) fn assert_whole_without_scripts(browser: &Browser, page: &Path, charts: u64) {
    browser.devtools("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    browser.open(page);
    let seen = "const seen = s => [...document.querySelectorAll(s)].filter(e => e.getClientRects().length > 0).length; \
         return [seen('svg.still'), seen('.live'), seen('form.filter'), seen('table')]";
    let found = browser.evaluate(seen);
    assert_eq!(found[0], charts, "drawings");
    assert_eq!([&found[1], &found[2]], [&json!(0), &json!(0)], "what answers the pointer");
    assert!(found[3].as_u64().unwrap() > 0, "tables");
    browser.devtools("Emulation.setScriptExecutionDisabled", &json!({"value": false}));
}
