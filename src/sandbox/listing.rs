//! One page of one list: which rows, in which order, and what the quirks make of it.

use std::collections::HashMap;

use bytes::Bytes;

use crate::model::resource::Resource;
use crate::sandbox::books::Books;
use crate::sandbox::dice::{Dice, mix};
use crate::sandbox::filters::Selection;
use crate::sandbox::quirks::{CountMeaning, Direction, Envelope};
use crate::sandbox::record::RowNo;
use crate::sandbox::render;
use crate::sandbox::table::{Index, Stamp, Table};

/// Rows of one timestamp that are shuffled together at most.
const TIES_MAX: usize = 5_000;

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    All(Resource),
    /// Rows of a resource that belong to a row of the resource above it.
    Of(Resource, RowNo),
}

impl Subject {
    pub(crate) fn resource(self) -> Resource {
        match self {
            Subject::All(resource) | Subject::Of(resource, _) => resource,
        }
    }
}

/// What earlier requests leave behind: repeated and empty pages depend on it.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    last: HashMap<(usize, Subject), LastPage>,
}

#[derive(Debug)]
struct LastPage {
    offset: usize,
    rows: Vec<Bytes>,
    repeated: bool,
    emptied_at: Option<usize>,
}

/// Rows in the order of the answer, without copying those of a sorted index.
enum Matches<'a> {
    Slice { index: &'a Index, from: usize, until: usize, direction: Direction },
    Rows(Vec<RowNo>),
}

impl Matches<'_> {
    fn len(&self) -> usize {
        match self {
            Matches::Slice { from, until, .. } => until.saturating_sub(*from),
            Matches::Rows(rows) => rows.len(),
        }
    }

    fn key(&self, table: &Table, stamp: Stamp, position: usize) -> (i64, RowNo) {
        match self {
            Matches::Slice { index, from, direction: Direction::Asc, .. } => index.at(from + position),
            Matches::Slice { index, until, direction: Direction::Desc, .. } => index.at(until - 1 - position),
            Matches::Rows(rows) => {
                let row = rows[position];
                (table.row(row).listed.as_ref().map_or(0, |listed| stamp.of(listed)), row)
            }
        }
    }
}

/// Answers a list request.
pub(crate) fn page(
    books: &mut Books,
    memory: &mut Memory,
    dice: &mut Dice,
    merchant: usize,
    subject: Subject,
    selection: &Selection,
) -> Vec<u8> {
    let resource = subject.resource();
    let (rows, total) = rows_of_page(books, dice, subject, selection);
    let old_bodies = books.quirks.lists.old_body_per_mille;
    let mut bodies: Vec<Bytes> = Vec::with_capacity(rows.len());
    for (position, row) in rows.iter().enumerate() {
        let older = old_bodies > 0 && dice.chance(old_bodies);
        let older = older.then(|| older_body(books, resource, &rows, position, selection)).flatten();
        if let Some(body) = older.or_else(|| books.list_body(resource, *row)) {
            bodies.push(body);
        }
    }
    let bodies = disturb(books, memory, dice, (merchant, subject), selection, bodies);
    envelope(books, selection, &bodies, total)
}

/// The row numbers of the page asked for, and how many rows match altogether.
fn rows_of_page(books: &Books, dice: &mut Dice, subject: Subject, selection: &Selection) -> (Vec<RowNo>, usize) {
    let table = books.table(subject.resource());
    let matches = matching(books, table, subject, selection);
    let total = matches.len();
    let lists = &books.quirks.lists;
    let mut granted = selection.limit;
    if granted > 1 && books.hits.when(dice.chance(lists.short_page_per_mille), "short_page_per_mille") {
        granted = 1 + dice.below(granted - 1);
    }
    let from = selection.offset.min(total);
    let until = (selection.offset + granted).min(total);
    let key = |position: usize| matches.key(table, selection.stamp, position);
    if !lists.unstable_ties || from == until {
        return ((from..until).map(|position| key(position).1).collect(), total);
    }
    // Whole groups of equal timestamps are shuffled, also those that reach over the edges of the page.
    let (mut first, mut last) = (from, until);
    while first > 0 && from - first < TIES_MAX && key(first - 1).0 == key(from).0 {
        first -= 1;
    }
    while last < total && last - until < TIES_MAX && key(last).0 == key(until - 1).0 {
        last += 1;
    }
    let mut keys: Vec<(i64, RowNo)> = (first..last).map(key).collect();
    let salt = dice.next();
    let hash = |row: RowNo| mix(salt ^ u64::try_from(row).unwrap_or(0));
    let mut start = 0;
    while start < keys.len() {
        let end = start + keys[start..].iter().take_while(|(stamp_ms, _)| *stamp_ms == keys[start].0).count();
        if end - start > 1 {
            books.hits.count("unstable_ties");
            keys[start..end].sort_by_key(|(_, row)| hash(*row));
        }
        start = end;
    }
    (keys[from - first..until - first].iter().map(|(_, row)| *row).collect(), total)
}

fn matching<'a>(books: &Books, table: &'a Table, subject: Subject, selection: &Selection) -> Matches<'a> {
    let order = table.index(selection.stamp);
    let rows = match (subject, selection.span) {
        (Subject::Of(resource, parent), _) => {
            let rows = books.children(resource, parent).copied();
            rows.filter(|row| table.row(*row).listed.is_some()).collect()
        }
        (Subject::All(_), None) => return slice(order, 0, order.len(), selection.direction),
        (Subject::All(_), Some(span)) => {
            let index = table.index(span.stamp);
            let (from, until) = (index.lower_bound(span.from_ms), index.lower_bound(span.until_ms));
            if span.stamp == selection.stamp || (from == 0 && until == order.len()) {
                return slice(order, from, until, selection.direction);
            }
            (from..until).map(|position| index.at(position).1).collect::<Vec<RowNo>>()
        }
    };
    let stamp_of = |row: RowNo| table.row(row).listed.as_ref().map_or(0, |listed| selection.stamp.of(listed));
    let mut keys: Vec<(i64, RowNo)> = rows.into_iter().map(|row| (stamp_of(row), row)).collect();
    keys.sort_unstable();
    if selection.direction == Direction::Desc {
        keys.reverse();
    }
    Matches::Rows(keys.into_iter().map(|(_, row)| row).collect())
}

fn slice(index: &Index, from: usize, until: usize, direction: Direction) -> Matches<'_> {
    Matches::Slice { index, from, until, direction }
}

/// The body that the row at `position` had before, as a lagging replica has it; `None` where there was none, or where it
/// would break the order of the page or leave its window, and may not.
fn older_body(
    books: &Books,
    resource: Resource,
    rows: &[RowNo],
    position: usize,
    selection: &Selection,
) -> Option<Bytes> {
    let table = books.table(resource);
    let row = rows[position];
    let previous = table.row(row).previous.as_ref()?;
    let stamp_ms = selection.stamp.of(previous);
    let neighbour = |at: Option<usize>| {
        let listed = table.row(*rows.get(at?)?).listed.as_ref()?;
        Some(selection.stamp.of(listed))
    };
    let (before, after) = (neighbour(position.checked_sub(1)), neighbour(Some(position + 1)));
    let in_order = match selection.direction {
        Direction::Asc => before.is_none_or(|ms| ms <= stamp_ms),
        Direction::Desc => after.is_none_or(|ms| ms <= stamp_ms),
    };
    let in_window = selection.span.is_none_or(|span| {
        let span_ms = span.stamp.of(previous);
        span.from_ms <= span_ms && span_ms < span.until_ms
    });
    (in_order && in_window || books.quirks.lists.old_body_breaks_order).then(|| {
        books.hits.count("old_body_per_mille");
        render::list_row(books, row, previous)
    })
}

/// Repeated, empty and doubled.
fn disturb(
    books: &Books,
    memory: &mut Memory,
    dice: &mut Dice,
    list: (usize, Subject),
    selection: &Selection,
    mut rows: Vec<Bytes>,
) -> Vec<Bytes> {
    let (lists, hits) = (&books.quirks.lists, &books.hits);
    if lists.repeated_page_per_mille == 0 && lists.empty_page_per_mille == 0 && lists.doubled_row_per_mille == 0 {
        return rows;
    }
    let offset = selection.offset;
    let before = memory.last.entry(list).or_insert_with(|| LastPage {
        offset: usize::MAX,
        rows: Vec::new(),
        repeated: false,
        emptied_at: None,
    });
    let may_repeat = offset > before.offset && !before.repeated && !before.rows.is_empty() && !rows.is_empty();
    if may_repeat && hits.when(dice.chance(lists.repeated_page_per_mille), "repeated_page_per_mille") {
        before.repeated = true;
        before.offset = offset;
        return before.rows.clone();
    }
    let may_empty = offset > 0 && !rows.is_empty() && before.emptied_at != Some(offset);
    before.emptied_at = None;
    if may_empty && hits.when(dice.chance(lists.empty_page_per_mille), "empty_page_per_mille") {
        before.emptied_at = Some(offset);
        return Vec::new();
    }
    if rows.len() > 2 && hits.when(dice.chance(lists.doubled_row_per_mille), "doubled_row_per_mille") {
        let doubled = dice.below(rows.len() - 1);
        rows.pop();
        rows.insert(doubled, rows[doubled].clone());
    }
    before.offset = offset;
    before.repeated = false;
    before.rows.clone_from(&rows);
    rows
}

fn envelope(books: &Books, selection: &Selection, rows: &[Bytes], total: usize) -> Vec<u8> {
    let lists = &books.quirks.lists;
    let mut out = Vec::with_capacity(rows.iter().map(|row| row.len() + 1).sum::<usize>() + 160);
    let bare = lists.envelope == Envelope::BareArray;
    out.extend_from_slice(if bare { b"[" } else { b"{\"results\":[" });
    for (position, row) in rows.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(row);
    }
    out.push(b']');
    if bare {
        return out;
    }
    match lists.count {
        CountMeaning::Total => out.extend_from_slice(format!(",\"count\":{total}").as_bytes()),
        CountMeaning::Page => out.extend_from_slice(format!(",\"count\":{}", rows.len()).as_bytes()),
        CountMeaning::Absent => {}
    }
    if lists.envelope == Envelope::Full {
        let settings = format!(",\"settings\":{{\"limit\":{},\"offset\":{}}}", selection.limit, selection.offset);
        out.extend_from_slice(settings.as_bytes());
    }
    out.push(b'}');
    out
}
