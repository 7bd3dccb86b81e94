//! Card numbers inside text: 13 to 19 digits, also in groups, that pass the Luhn check.

use super::MASK;

const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Blanks and dashes that may stand between two groups of one number.
const GAP_CHARS_MAX: usize = 3;

/// The text with its card numbers masked; `None` where it has none.
///
/// Numbers may stand side by side (`4242 4242 4242 4242 12/28`), so every stretch from the start of one group of digits to the end of
/// another is tried, and whatever lies in a stretch that passes is masked.
pub(super) fn mask(text: &str) -> Option<String> {
    if text.bytes().filter(u8::is_ascii_digit).count() < *DIGITS.start() {
        return None;
    }
    let groups = groups(text);
    let mut masked = String::new();
    let mut copied = 0;
    let mut covered = 0;
    for (index, group) in groups.iter().enumerate() {
        let Some(end) = longest_number(text, &groups[index..]) else { continue };
        if group.start >= covered {
            masked.push_str(&text[copied..group.start]);
            masked.push_str(MASK);
        }
        covered = covered.max(end);
        copied = covered;
    }
    (copied > 0).then(|| masked + &text[copied..])
}

/// Whether a whole number token is a card number. Thirteen digits that begin with 1 are milliseconds since 1970, not a card.
pub(super) fn is_card_number(token: &str) -> bool {
    let is_milliseconds = token.len() == 13 && token.starts_with('1');
    DIGITS.contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_digit())
        && !is_milliseconds
        && luhn(token.bytes())
}

/// One unbroken run of digits.
struct Group {
    start: usize,
    end: usize,
    /// Whether only a small gap lies between it and the group before.
    joined: bool,
}

fn groups(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (at, _) in text.match_indices(|c: char| c.is_ascii_digit()) {
        match groups.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            last => {
                let joined = last.is_some_and(|last| is_gap(&text[last.end..at]));
                groups.push(Group { start: at, end: at + 1, joined });
            }
        }
    }
    groups
}

fn is_gap(between: &str) -> bool {
    between.chars().count() <= GAP_CHARS_MAX
        && between.chars().all(|c| matches!(c, ' ' | '-' | '\t' | '\u{a0}' | '\u{2010}'..='\u{2015}'))
}

/// Where the longest card number ends that starts with the first group.
fn longest_number(text: &str, groups: &[Group]) -> Option<usize> {
    let (first, rest) = groups.split_first()?;
    let mut digits: Vec<u8> = text.as_bytes()[first.start..first.end].to_vec();
    let mut longest = None;
    let mut end = first.end;
    let mut rest = rest.iter();
    while digits.len() <= *DIGITS.end() {
        if digits.len() >= *DIGITS.start() && luhn(digits.iter().copied()) {
            longest = Some(end);
        }
        let Some(group) = rest.next().filter(|group| group.joined) else { break };
        digits.extend_from_slice(&text.as_bytes()[group.start..group.end]);
        end = group.end;
    }
    longest
}

/// The check digit of card numbers, over ASCII digits.
fn luhn(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') << (place % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_masked_in_any_grouping_and_company() {
        for (text, masked) in [
            ("card 4242424242424242.", "card ***."),
            ("4242 4242 4242 4242", "***"),
            ("4242-4242-4242-4242 exp 12/28", "*** exp 12/28"),
            ("INV-2201-4242424242424242", "INV-2201-***"),
            ("378282246310005 and 6011111111111117", "*** and ***"),
        ] {
            assert_eq!(mask(text).as_deref(), Some(masked), "{text}");
        }
        for text in ["paid 4242 4242 4242 4242 12/28", "ref 7, 4000-0000-0000-0077 09"] {
            let masked = mask(text).expect("a card number");
            assert!(!masked.contains("4242") && !masked.contains("0077"), "{masked}");
        }
    }

    #[test]
    fn other_digits_stay() {
        for text in
            ["2026-05-12T21:30:59.000Z", "4242424242424241", "+1 415 555 0100", "424.67", "42424242424242424242424242"]
        {
            assert_eq!(mask(text), None, "{text}");
        }
    }
}
