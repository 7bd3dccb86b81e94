//! Lines of a report that say the same: whether they are one line shown twice, or two.
//!
//! A line has no id, so what it says is its id. A server may repeat a row within a page and a page within a list, so how often a line
//! was seen proves nothing; what the whole report adds up to does.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::model::ids::SourceId;
use crate::model::money::Amount;

#[derive(Debug, Clone)]
struct Line {
    amount: Decimal,
    /// Most often within one page.
    times: u32,
}

/// The lines of one report that were seen.
#[derive(Debug, Clone, Default)]
pub struct Lines(BTreeMap<SourceId, Line>);

impl Lines {
    /// Takes note of the rows of one page.
    pub fn page<'a>(&mut self, rows: impl Iterator<Item = (&'a SourceId, Option<Amount>)>) {
        let mut page: BTreeMap<&SourceId, Line> = BTreeMap::new();
        for (id, amount) in rows {
            let amount = amount.map_or(Decimal::ZERO, Amount::decimal);
            page.entry(id).or_insert(Line { amount, times: 0 }).times += 1;
        }
        for (id, line) in page {
            let known = self.0.entry(id.clone()).or_insert_with(|| line.clone());
            known.times = known.times.max(line.times);
        }
    }

    /// Lines that are more than one, with how many more: all that were seen more than once in a page, or one of them, if that is what
    /// the report lacks of its `total`.
    #[must_use]
    pub fn doubled(&self, total: Amount) -> Vec<(SourceId, u32)> {
        let sum: Decimal = self.0.values().map(|line| line.amount).sum();
        let lacks = total.decimal() - sum;
        let more: Vec<(&SourceId, &Line)> = self.0.iter().filter(|(_, line)| line.times > 1).collect();
        let adds = |line: &Line| line.amount * Decimal::from(line.times - 1);
        let named = |(id, line): &(&SourceId, &Line)| ((*id).clone(), line.times - 1);
        if lacks.is_zero() {
            Vec::new()
        } else if more.iter().map(|(_, line)| adds(line)).sum::<Decimal>() == lacks {
            more.iter().map(named).collect()
        } else {
            more.iter().filter(|(_, line)| adds(line) == lacks).take(1).map(named).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pages: &[&[(&str, &str)]]) -> Lines {
        let mut lines = Lines::default();
        for page in pages {
            let rows: Vec<(SourceId, Option<Amount>)> =
                page.iter().map(|(id, amount)| (SourceId::new(*id), Amount::parse(amount).ok())).collect();
            lines.page(rows.iter().map(|(id, amount)| (id, *amount)));
        }
        lines
    }

    fn doubled(lines: &Lines, total: &str) -> Vec<(SourceId, u32)> {
        lines.doubled(Amount::parse(total).expect("plain"))
    }

    #[test]
    fn the_sum_of_the_report_says_whether_a_line_is_two() {
        let paid_back_and_again = lines(&[&[("out", "-4.00"), ("back", "4.00"), ("out", "-4.00"), ("in", "9.00")]]);
        assert_eq!(doubled(&paid_back_and_again, "5.00"), [(SourceId::new("out"), 1)]);
        assert_eq!(doubled(&paid_back_and_again, "9.00"), [], "the row was shown twice");
    }

    #[test]
    fn a_page_shown_twice_doubles_nothing() {
        let page = [("fee", "-1.00"), ("in", "9.00")];
        assert_eq!(doubled(&lines(&[&page, &page]), "7.00"), []);
    }

    #[test]
    fn of_several_only_what_is_lacking_counts() {
        let lines = lines(&[&[("a", "-4.00"), ("a", "-4.00"), ("b", "3.00"), ("b", "3.00")]]);
        assert_eq!(doubled(&lines, "-5.00"), [(SourceId::new("a"), 1)]);
        assert_eq!(doubled(&lines, "-2.00"), [(SourceId::new("a"), 1), (SourceId::new("b"), 1)]);
        assert_eq!(doubled(&lines, "77.00"), []);
    }
}
