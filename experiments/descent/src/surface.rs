//! A function over two coordinates as a picture.

use experiment::{Error, OutputFile, ParamError, Tool, ToolContext};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Function;

/// Arguments of `regimen descent surface`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// What is drawn.
    function: Function,
    /// The picture, a PNG.
    #[serde(default = "output")]
    #[schemars(extend("short" = "o"))]
    output: OutputFile,
    /// Pixels a side, from 2 to 4096.
    #[serde(default = "side")]
    side: u32,
    /// Both coordinates go from minus this to this.
    #[serde(default = "reach")]
    reach: f64,
    /// Shades of grey, from 2, so that contours are seen; 256 where nothing is said.
    levels: Option<u8>,
}

fn output() -> OutputFile {
    OutputFile::new("surface.png")
}

fn side() -> u32 {
    512
}

fn reach() -> f64 {
    2.0
}

/// `regimen descent surface FUNCTION -o FILE`: the logarithm of 1 + f(x), the minimum being black.
pub(crate) fn tool() -> Tool {
    Tool::new("surface", "Draw a function over its first two coordinates", surface)
}

fn surface(arguments: &Arguments, context: &mut ToolContext<'_>) -> Result<(), Error> {
    let Arguments { function, side, reach, levels, .. } = *arguments;
    ParamError::check((2..=4096).contains(&side), "side", "a number from 2 to 4096", side)?;
    ParamError::check(reach > 0.0 && reach.is_finite(), "reach", "a number above 0", reach)?;
    let levels = levels.map_or(256, u16::from);
    ParamError::check(levels >= 2, "levels", "a number from 2 to 255", levels)?;
    let place = |pixel: u32| reach * (2.0 * f64::from(pixel) / f64::from(side - 1) - 1.0);
    let mut values = Vec::with_capacity((side * side) as usize);
    for row in 0..side {
        // The second coordinate grows upwards.
        let y = -place(row);
        values.extend((0..side).map(|column| function.value(&[place(column), y]).ln_1p() as f32));
        context.progress((row + 1).into(), side.into())?;
    }
    let highest = values.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let last = f32::from(levels - 1);
    let shade = |value: f32| ((value / highest * last).round() / last * 255.0).round();
    let pixels: Vec<u8> = values.into_iter().map(|value| shade(value) as u8).collect();
    context.write(&arguments.output, &encode(&pixels, side)?)
}

fn encode(pixels: &[u8], side: u32) -> Result<Vec<u8>, Error> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels));
    written.map_err(|e| Error::other("drawing a picture", e))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use experiment::{DataPaths, MemoryHost};
    use serde_json::{Value, json};

    use super::*;

    fn drawn(arguments: Value, host: &mut MemoryHost) -> Result<(), Error> {
        let mut context = ToolContext {
            input: &mut std::io::empty(),
            output: &mut std::io::sink(),
            data: DataPaths::default(),
            artifacts: "artifacts".into(),
            verify: &|_, _, _| Ok(()),
            host,
        };
        tool().run(arguments, &mut context)
    }

    #[test]
    fn the_minimum_is_black_and_the_corner_white() {
        let mut host = MemoryHost::default();
        drawn(json!({"function": "sphere", "side": 3, "output": "a.png", "levels": 2}), &mut host)
            .unwrap();
        assert_eq!(host.progress, [(1, 3), (2, 3), (3, 3)]);
        let file = &host.files[std::path::Path::new("a.png")];
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        // ln(1 + f) of the corners is ln 7, of the sides ln 3 and ln 5: above half of it.
        assert_eq!(pixels, [255, 255, 255, 255, 0, 255, 255, 255, 255]);
    }

    #[test]
    fn a_tool_that_is_stopped_writes_nothing() {
        let mut host = MemoryHost { stop_after: Some(2), ..MemoryHost::default() };
        let stopped = drawn(json!({"function": "rastrigin"}), &mut host);
        assert!(matches!(stopped, Err(Error::Interrupted)));
        assert_eq!((host.progress.len(), host.files.len()), (2, 0));
        let wrong = drawn(json!({"function": "sphere", "side": 1}), &mut host).unwrap_err();
        assert_eq!(wrong.to_string(), "side: wanted a number from 2 to 4096, found 1");
    }
}
