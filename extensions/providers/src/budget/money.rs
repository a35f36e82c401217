//! Money as it is added up: whole billionths of a dollar, rounded so that no limit is passed by rounding.

/// Billionths of a dollar.
pub(super) type Nano = u64;

const PER_DOLLAR: f64 = 1e9;

/// An amount that is spent, rounded up. What is no amount is none.
pub(super) fn up(dollars: f64) -> Nano {
    (dollars * PER_DOLLAR).ceil() as Nano
}

/// An amount that is allowed, rounded down.
pub(super) fn down(dollars: f64) -> Nano {
    (dollars * PER_DOLLAR).floor() as Nano
}

pub(super) fn dollars(nano: Nano) -> f64 {
    nano as f64 / PER_DOLLAR
}

/// `$1.25`; amounts below a dime with four places. What is left is rounded down, what is needed up.
pub(super) fn shown(nano: Nano, round_up: bool) -> String {
    let places = if nano > 0 && nano < 100_000_000 { 4 } else { 2 };
    let step = 10_u64.pow(9 - places);
    let steps = if round_up {
        nano.div_ceil(step)
    } else {
        nano / step
    };
    let unit = 10_u64.pow(places);
    let width = places as usize;
    let whole = format!("${}.{:0width$}", steps / unit, steps % unit);
    // Four places only where two of them don't say it all.
    whole
        .strip_suffix("00")
        .filter(|_| places == 4)
        .map(String::from)
        .unwrap_or(whole)
}

/// `12,000`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
