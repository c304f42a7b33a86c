//! From values to places along an axis.

/// An axis: which values it shows, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    /// How it is divided.
    pub kind: Kind,
    low: f64,
    high: f64,
    /// How many finite values of those it was made for lie beyond its ends.
    pub beyond: usize,
}

/// How an axis is divided.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Evenly.
    Linear,
    /// By the logarithm to base 10.
    Log,
    /// Evenly, for each name a place; values are positions in the list.
    Names(Vec<String>),
}

/// How a scale is fitted to values.
#[derive(Debug, Clone, Copy)]
pub struct Fit {
    /// Whether it is logarithmic; by the values where nobody says.
    pub log: Option<bool>,
    /// How many times as wide as the bulk of the values an axis may become before it leaves out what
    /// lies far from the bulk, on a linear and on a logarithmic axis.
    pub widest: [f64; 2],
    /// Room beyond the extremes, as a share of the axis.
    pub room: f64,
}

impl Fit {
    /// For single values, among which a wild one must not hide the others.
    pub const VALUES: Self = Self { log: None, widest: [4.0, 4.0], room: 0.04 };
    /// For colours.
    pub const COLOURS: Self = Self { log: None, widest: [10.0, 4.0], room: 0.0 };
    /// For curves, which may begin far from where they stay.
    pub const CURVES: Self = Self { log: None, widest: [1000.0, 8.0], room: 0.04 };
    /// For steps.
    pub const STEPS: Self = Self { log: None, widest: [f64::INFINITY, f64::INFINITY], room: 0.0 };
}

/// Of this ratio of the 95th to the 5th percentile on, values span decades.
const DECADES: f64 = 100.0;

impl Scale {
    /// An axis for values, of which those that are not finite are ignored.
    pub fn fit(values: impl IntoIterator<Item = f64>, fit: Fit) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let positive = sorted.first().is_some_and(|lowest| *lowest > 0.0);
        let spans_decades = || {
            let [low, high] = [0.05, 0.95].map(|share| at_share(&sorted, share));
            high / low >= DECADES
        };
        let log = match fit.log {
            Some(log) => log && sorted.last().is_some_and(|highest| *highest > 0.0),
            None => positive && spans_decades(),
        };
        let whole = sorted.len();
        if log {
            sorted.retain(|value| *value > 0.0);
            sorted.iter_mut().for_each(|value| *value = value.log10());
        }
        let kind = if log { Kind::Log } else { Kind::Linear };
        let [low, high] = range(&sorted, fit.widest[usize::from(log)]);
        let outside = sorted.iter().filter(|value| !(low..=high).contains(*value)).count();
        let [low, high] = padded(low, high, fit.room);
        Self { kind, low, high, beyond: outside + whole - sorted.len() }
    }

    /// A place for each name.
    pub fn names(names: Vec<String>) -> Self {
        let high = names.len().max(1) as f64 - 0.5;
        Self { kind: Kind::Names(names), low: -0.5, high, beyond: 0 }
    }

    /// Whether it is divided by logarithms.
    pub fn is_log(&self) -> bool {
        self.kind == Kind::Log
    }

    /// The first and the last value of the axis.
    pub fn ends(&self) -> [f64; 2] {
        let value = |place: f64| if self.is_log() { 10_f64.powf(place) } else { place };
        [value(self.low), value(self.high)]
    }

    /// The ends as places: logarithms where the axis is logarithmic.
    pub fn places(&self) -> [f64; 2] {
        [self.low, self.high]
    }

    /// Where a value lies from 0 to 1, and beyond for what lies outside; none for what has no place.
    pub fn at(&self, value: f64) -> Option<f64> {
        let place = if self.is_log() { value.log10() } else { value };
        // The difference of the ends may be infinite, their halves' is not.
        let share = (place / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        share.is_finite().then_some(share)
    }

    /// Whether a value lies between the ends.
    pub fn holds(&self, value: f64) -> bool {
        self.at(value).is_some_and(|share| (0.0..=1.0).contains(&share))
    }

    /// [`at`](Self::at), with what lies outside moved to the end of the axis.
    pub fn within(&self, value: f64) -> Option<f64> {
        match value {
            f64::INFINITY => Some(1.0),
            f64::NEG_INFINITY => Some(0.0),
            _ if self.is_log() && value <= 0.0 => Some(0.0),
            value => self.at(value).map(|share| share.clamp(0.0, 1.0)),
        }
    }

    /// Places from 0 to 1 with their text, about `wanted` of them.
    pub fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        let place = |at: f64| (at - self.low) / (self.high - self.low);
        let inside = |at: &f64| (-1e-9..=1.0 + 1e-9).contains(&place(*at));
        match &self.kind {
            Kind::Names(names) => {
                let every = names.len().div_ceil(wanted.max(1) * 2).max(1);
                let at = |(at, name): (usize, &String)| (place(at as f64), name.clone());
                names.iter().enumerate().step_by(every).map(at).collect()
            }
            Kind::Linear => {
                let ticks = round_numbers(self.low, self.high, wanted);
                ticks.into_iter().map(|at| (place(at), tick(at))).collect()
            }
            Kind::Log => {
                let decades = self.high - self.low;
                let multiples: &[f64] = match decades {
                    _ if decades >= 2.0 => &[1.0],
                    _ if decades >= 0.7 => &[1.0, 2.0, 5.0],
                    _ => &[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
                };
                let every = (decades / wanted.max(1) as f64).ceil().max(1.0);
                let first = (self.low / every).floor() * every;
                let count = (decades / every) as usize + 2;
                (0..count)
                    .map(|number| first + every * number as f64)
                    .flat_map(|decade| multiples.iter().map(move |m| decade + m.log10()))
                    .filter(inside)
                    .map(|at| (place(at), tick(10_f64.powf(at))))
                    .collect()
            }
        }
    }
}

/// The number a share of the way through sorted ones, of which there are some, linear between neighbours.
fn at_share(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let [low, high] = [at.floor(), at.ceil()].map(|at| sorted[at as usize]);
    // Their difference may be infinite, their halves' is not.
    low + 2.0 * ((high / 2.0 - low / 2.0) * at.fract())
}

/// The extremes of sorted numbers, without those far out where these would take most of the axis: a
/// number is far out that lies more than three interquartile ranges beyond the quartiles (Tukey 1977).
fn range(sorted: &[f64], widest: f64) -> [f64; 2] {
    let (Some(&low), Some(&high)) = (sorted.first(), sorted.last()) else { return [0.0, 1.0] };
    let [first, third] = [0.25, 0.75].map(|share| at_share(sorted, share));
    let far = 3.0 * (third - first);
    let is_bulk = |value: &&f64| (first - far..=third + far).contains(*value);
    let bulk = || sorted.iter().filter(is_bulk);
    let (Some(&bulk_low), Some(&bulk_high)) = (bulk().next(), bulk().next_back()) else {
        return [low, high];
    };
    let width = bulk_high - bulk_low;
    if width <= 0.0 || !width.is_finite() {
        return [low, high];
    }
    // Each side by itself: the best values may lie apart at one end, the wild ones at the other.
    let is_far = |from: f64, to: f64| to / 2.0 - from / 2.0 > (widest - 1.0) * (width / 2.0);
    [
        if is_far(low, bulk_low) { bulk_low } else { low },
        if is_far(bulk_high, high) { bulk_high } else { high },
    ]
}

/// A range a little wider; around a single number where both ends are the same.
fn padded(low: f64, high: f64, share: f64) -> [f64; 2] {
    let half = high / 2.0 - low / 2.0;
    let room = if half == 0.0 { (low.abs() / 10.0).max(0.5) } else { 2.0 * share * half };
    [(low - room).max(f64::MIN / 4.0), (high + room).min(f64::MAX / 4.0)]
}

/// Multiples of 1, 2 or 5 times a power of ten between two numbers.
fn round_numbers(low: f64, high: f64, wanted: usize) -> Vec<f64> {
    let rough = (high - low) / wanted.max(1) as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power);
    let step = step.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(10.0 * power);
    let (first, last) = ((low / step).ceil(), (high / step).floor());
    let count = (last - first).clamp(0.0, 50.0) as usize;
    (0..=count).map(|number| (first + number as f64) * step).filter(|at| *at <= high).collect()
}

/// A number at an axis, at most four digits.
pub fn tick(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".into()
    } else if (1e-3..1e5).contains(&size) {
        let places = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        let text = format!("{value:.places$}");
        let short = if text.contains('.') { text.trim_end_matches('0') } else { &text };
        short.trim_end_matches('.').to_owned()
    } else {
        format!("{value:.1e}").replace(".0e", "e")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scale: &Scale) -> Vec<String> {
        scale.ticks(5).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn values_that_span_decades_are_on_a_logarithmic_axis() {
        let scale = Scale::fit([1e-3, 1e-1, 1.0, 1e2], Fit { room: 0.0, ..Fit::VALUES });
        assert!(scale.is_log());
        assert_eq!(texts(&scale), ["0.001", "0.01", "0.1", "1", "10", "100"]);
        // The share of a value in the decades from -3 to 2.
        assert!((scale.at(0.1).unwrap() - 0.4).abs() < 1e-12);
        assert_eq!((scale.at(0.0), scale.within(0.0)), (None, Some(0.0)));
        for linear in [&[0.5, 50.0, 99.0][..], &[-1.0, 1e5], &[0.0, 1e5], &[]] {
            assert!(!Scale::fit(linear.iter().copied(), Fit::VALUES).is_log(), "{linear:?}");
        }
        let steps = Scale::fit((1..=1000).map(f64::from), Fit::STEPS);
        assert!(!steps.is_log(), "even steps span three decades, but most are in the last");
        assert!(Scale::fit([1.0, 2.0], Fit { log: Some(true), ..Fit::VALUES }).is_log());
    }

    #[test]
    fn one_wild_value_does_not_squeeze_the_others() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 1e9];
        let scale = Scale::fit(values, Fit { log: Some(false), room: 0.0, widest: [4.0; 2] });
        assert_eq!((scale.ends(), scale.beyond), ([1.0, 5.0], 1));
        assert_eq!([2.0, 1e9].map(|value| scale.within(value)), [Some(0.25), Some(1.0)]);
        let decades = [0.01, 0.1, 1.0, 10.0, 100.0, 8.45e204];
        let scale = Scale::fit(decades, Fit::VALUES);
        assert!(scale.is_log() && scale.beyond == 1 && scale.ends()[1] < 1e3, "{scale:?}");
        let both = [1e-6, 1.0, 1.5, 2.0, 2.5, 3.0, 8.45e204];
        let scale = Scale::fit(both, Fit { log: Some(true), room: 0.0, widest: [20.0; 2] });
        assert_eq!(scale.beyond, 1, "what lies apart at the other end stays: {scale:?}");
        // A curve that begins far from where it stays is shown whole.
        let curve = [20.0, 99.5, 99.6, 99.7, 99.8, 99.7, 99.8];
        assert_eq!(Scale::fit(curve, Fit::CURVES).beyond, 0);
    }

    #[test]
    fn numbers_that_cannot_be_drawn_do_no_harm() {
        for values in [[f64::NAN, f64::INFINITY], [0.0, 0.0], [f64::MIN, f64::MAX], [1e300, 1e-300]]
        {
            for fit in [Fit::VALUES, Fit::CURVES, Fit::STEPS] {
                let scale = Scale::fit(values, fit);
                assert!(scale.low < scale.high && (scale.high - scale.low).is_finite());
                assert!(scale.ticks(5).iter().all(|(at, _)| at.is_finite()), "{scale:?}");
                assert!(values.iter().all(|v| scale.within(*v).is_none_or(f64::is_finite)));
            }
        }
    }

    #[test]
    fn ticks_are_round_and_short() {
        let scale = Scale::fit([0.0, 10.0], Fit { room: 0.0, ..Fit::VALUES });
        assert_eq!(texts(&scale), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(scale.ticks(5)[1].0, 0.2);
        let within = Scale::fit([2.0, 9.0], Fit { log: Some(true), room: 0.0, ..Fit::VALUES });
        assert_eq!(texts(&within), ["2", "3", "4", "5", "6", "7", "8", "9"]);
        let texts = [0.0, 0.5, 1.25, 100.0, -0.001, 12345.0, 1e6, 0.1 + 0.2].map(tick);
        assert_eq!(texts, ["0", "0.5", "1.25", "100", "-0.001", "12345", "1e6", "0.3"]);
        let names = Scale::names(vec!["a".into(), "b".into()]);
        assert_eq!(names.ticks(5), [(0.25, "a".to_owned()), (0.75, "b".to_owned())]);
    }
}
