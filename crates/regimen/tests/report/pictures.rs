//! A sweep that leaves pictures, in the order of its table.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::command::{assert_code, regimen};
use crate::fits::{assert_fits, assert_whole_without_scripts};
use crate::page::{assert_quiet, count};

const WEIGHTS: [&str; 5] = ["1", "10", "100", "1000", "10000"];
const STYLES: [&str; 4] = ["wave", "muse", "scream", "night"];
const SIDE: u32 = 512;

/// A picture whose red tells the row and whose green tells the column, with rings and noise around
/// its middle, so that it packs as badly as a photograph.
fn picture(row: usize, column: usize) -> Vec<u8> {
    let mut state = (row * 4 + column) as u32;
    let mut pixels = Vec::new();
    for y in 0..SIDE {
        for x in 0..SIDE {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let away = f64::from(x.abs_diff(SIDE / 2)).hypot(f64::from(y.abs_diff(SIDE / 2)));
            let ring = (away / (4.0 + 4.0 * row as f64)).sin() * 40.0 + f64::from(state >> 27);
            let ring = if away < 60.0 { 0.0 } else { ring };
            let base = [40.0 * (row + 1) as f64, 50.0 * (column + 1) as f64, 120.0];
            pixels.extend(base.map(|level| (level + ring).clamp(0.0, 255.0) as u8));
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

/// Twenty runs, each of which leaves one of these; styles stand in the order of their names.
fn sweep(folder: &Path) -> PathBuf {
    let mut sorted = STYLES;
    sorted.sort_unstable();
    for (row, weight) in WEIGHTS.iter().enumerate() {
        for (column, style) in sorted.iter().enumerate() {
            let bytes = picture(row, column);
            assert!(bytes.len() > 200_000, "{} bytes", bytes.len());
            fs::write(folder.join(format!("{weight}-{style}.png")), bytes).unwrap();
        }
    }
    let folder = folder.display();
    let script = format!(
        "cp \"{folder}/$REGIMEN_WEIGHT-$REGIMEN_STYLE.png\" \"$REGIMEN_FOLDER/stylised.png\"\n\
         echo \"{{\\\"artifact\\\": \\\"$REGIMEN_FOLDER/stylised.png\\\"}}\" >&3\n\
         echo \"{{\\\"final\\\": {{\\\"loss\\\": $REGIMEN_WEIGHT}}}}\" >&3\n"
    );
    fs::write(format!("{folder}/it.sh"), script).unwrap();
    let config = format!(
        "name: stylised\nexperiment: command\nparams:\n  program: [sh, {folder}/it.sh]\n  \
         files: [{folder}/it.sh]\n  pass: environment\nsweep:\n  grid:\n    \
         values.style: [{}]\n    values.weight: [{}]\n\
         table: {{ rows: values.weight, columns: values.style, value: loss }}\n",
        STYLES.join(", "),
        WEIGHTS.join(", ")
    );
    let path = PathBuf::from(format!("{folder}/stylised.yaml"));
    fs::write(&path, config).unwrap();
    path
}

#[test]
fn pictures_of_a_sweep_stand_in_the_order_of_its_table() {
    let Some(browser) = Browser::start("pictures_of_a_sweep_stand_in_the_order_of_its_table")
    else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let config = sweep(dir.path());
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (store, page) = (at("my store"), at("report.html"));
    let arguments =
        ["run", config.to_str().unwrap(), "--results", &store, "--report", &page, "-j", "2"];
    assert_code(&regimen(&arguments), 0);
    let bytes = fs::metadata(&page).unwrap().len();
    assert!((1_000_000..10_000_000).contains(&bytes), "{bytes} bytes");
    let page = Path::new(&page);
    assert_fits(&browser, page, "pictures");
    for width in [400, 1280, 1920] {
        browser.resize(width, 1000);
        browser.open(page);
        grid_is_in_order(&browser, width);
    }
    links_lead_to_the_store(&browser, &store);
    opens(&browser);
    // No chart has a curve; the table of results and the sheet are there.
    assert_whole_without_scripts(&browser, page, 0);
    assert_eq!(count(&browser, "table.sheet img"), 20);
    assert_quiet(&browser);
}

/// Heads as the table has them, each picture below its head and beside its row, and of its colours.
fn grid_is_in_order(browser: &Browser, width: u32) {
    let script = "const sheet = document.querySelector('table.sheet'); \
         const text = s => [...sheet.querySelectorAll(s)].map(e => e.textContent.trim()); \
         const rows = [...sheet.querySelectorAll('tbody tr')]; \
         const place = e => { const b = e.getBoundingClientRect(); return [Math.round(b.left), Math.round(b.top), Math.round(b.width), Math.round(b.height)]; }; \
         const colour = async image => { await image.decode(); const c = document.createElement('canvas'); c.width = c.height = 16; \
             const at = Math.floor(image.naturalWidth / 2) - 8, d = c.getContext('2d'); d.drawImage(image, at, at, 16, 16, 0, 0, 16, 16); \
             return [...d.getImageData(8, 8, 1, 1).data].slice(0, 2); }; \
         return (async () => { const cells = []; \
             for (const row of rows) { const own = []; \
                 for (const image of row.querySelectorAll('img')) own.push({colour: await colour(image), place: place(image), \
                     tags: image.closest('figure').dataset.tags, wide: image.naturalWidth}); \
                 cells.push(own); } \
             return {heads: text('thead tr:last-child th'), names: text('tbody th'), cells}; })()";
    let found = browser.evaluate(script);
    assert_eq!(found["heads"], json!(["values.weight ↓", "muse", "night", "scream", "wave"]));
    assert_eq!(found["names"], json!(WEIGHTS));
    let cells = found["cells"].as_array().unwrap();
    let mut lefts = Vec::new();
    for (row, cells) in cells.iter().enumerate() {
        let cells = cells.as_array().unwrap();
        assert_eq!(cells.len(), 4);
        for (column, cell) in cells.iter().enumerate() {
            let near = |at: usize, wanted: usize| {
                cell["colour"][at].as_u64().unwrap().abs_diff(wanted as u64) <= 12
            };
            assert!(
                near(0, 40 * (row + 1)) && near(1, 50 * (column + 1)),
                "{row} {column}: {cell}"
            );
            let tags: Vec<&str> = cell["tags"].as_str().unwrap().lines().collect();
            let weight = format!("weight={}", WEIGHTS[row]);
            assert!(tags.iter().any(|tag| tag.ends_with(&weight)), "{row} {column}: {tags:?}");
            let side = |at: usize| cell["place"][at].as_i64().unwrap();
            assert!(side(2) >= 60 && (side(2) - side(3)).abs() <= 2, "{width}: {cell}");
            assert!(cell["wide"].as_u64().unwrap() >= 256, "{cell}");
            match lefts.get(column) {
                None => lefts.push(side(0)),
                Some(left) => assert_eq!(*left, side(0), "{width}: one below the other"),
            }
        }
    }
    assert!(lefts.is_sorted_by(|a, b| a < b), "{width}: {lefts:?}");
}

/// Each picture has a link beside it, and that leads to the file as the run left it.
fn links_lead_to_the_store(browser: &Browser, store: &str) {
    let links = browser.evaluate(
        "return [...document.querySelectorAll('table.sheet a.whole')].map(a => [a.getAttribute('href'), a.href])",
    );
    let links = links.as_array().unwrap();
    assert_eq!(links.len(), 20);
    for link in links {
        let [written, whole] = [0, 1].map(|at| link[at].as_str().unwrap());
        assert!(written.starts_with("./my%20store/artifacts/"), "{written}");
        let path = whole.strip_prefix("file://").unwrap().replace("%20", " ");
        assert!(Path::new(&path).starts_with(store), "{path}");
        assert!(fs::metadata(&path).unwrap().len() > 200_000);
    }
}

/// A click shows a picture as large as the window, Escape the page again.
fn opens(browser: &Browser) {
    browser.resize(1280, 1000);
    let place = "const p = document.querySelector('table.sheet figure.picture'); \
         return [getComputedStyle(p).position, p.querySelector('img').getBoundingClientRect().width > 400, \
         p.querySelector('.long').getClientRects().length > 0]";
    let closed: Value = json!(["static", false, false]);
    assert_eq!(browser.evaluate(place), closed);
    browser.click("table.sheet figure.picture a.open");
    assert_eq!(browser.evaluate(place), json!(["fixed", true, true]));
    browser.press("\u{e00c}");
    assert_eq!(browser.evaluate(place), closed);
}
