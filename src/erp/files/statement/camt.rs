//! ISO 20022 camt.053.001.08.

use std::io;

use chrono::{NaiveDate, SecondsFormat};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use rust_decimal::Decimal;

use super::{Line, Statement, cut, plain};

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08";

/// Texts of the standard hold as many characters.
const REFERENCE_MAX: usize = 35;
const REMITTANCE_MAX: usize = 140;
const INFORMATION_MAX: usize = 500;

/// A document in the making.
struct Pen(Writer<Vec<u8>>);

pub(super) fn text(statement: &Statement<'_>) -> String {
    let mut pen = Pen(Writer::new_with_indent(Vec::new(), b' ', 1));
    document(&mut pen, statement).expect("memory takes everything");
    let bytes = pen.0.into_inner();
    String::from_utf8(bytes).expect("made of text") + "\n"
}

impl Pen {
    fn leaf(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.0.create_element(name).write_text_content(BytesText::new(text)).map(drop)
    }

    fn with(&mut self, name: &str, inner: impl FnOnce(&mut Pen) -> io::Result<()>) -> io::Result<()> {
        self.having(name, &[], inner)
    }

    fn having(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        inner: impl FnOnce(&mut Pen) -> io::Result<()>,
    ) -> io::Result<()> {
        let start = quick_xml::events::BytesStart::new(name).with_attributes(attributes.iter().copied());
        self.0.write_event(Event::Start(start.borrow()))?;
        inner(self)?;
        self.0.write_event(Event::End(start.to_end()))
    }

    /// An amount with its side.
    fn amount(&mut self, amount: Decimal, currency: &str) -> io::Result<()> {
        let element = self.0.create_element("Amt").with_attribute(("Ccy", currency));
        element.write_text_content(BytesText::new(&plain(amount)))?;
        self.side(amount)
    }

    fn side(&mut self, amount: Decimal) -> io::Result<()> {
        let is_debit = amount.is_sign_negative() && !amount.is_zero();
        self.leaf("CdtDbtInd", if is_debit { "DBIT" } else { "CRDT" })
    }

    fn date(&mut self, name: &str, day: NaiveDate) -> io::Result<()> {
        self.with(name, |pen| pen.leaf("Dt", &day.to_string()))
    }
}

fn document(pen: &mut Pen, statement: &Statement<'_>) -> io::Result<()> {
    let created = statement.created.to_rfc3339_opts(SecondsFormat::Secs, true);
    pen.0.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    pen.having("Document", &[("xmlns", NAMESPACE)], |pen| {
        pen.with("BkToCstmrStmt", |pen| {
            pen.with("GrpHdr", |pen| {
                pen.leaf("MsgId", &statement.id)?;
                pen.leaf("CreDtTm", &created)
            })?;
            pen.with("Stmt", |pen| body(pen, statement, &created))
        })
    })
}

fn body(pen: &mut Pen, statement: &Statement<'_>, created: &str) -> io::Result<()> {
    let (account, currency) = (statement.account, statement.account.currency.as_str());
    pen.leaf("Id", &statement.id)?;
    pen.leaf("ElctrncSeqNb", &statement.sequence.to_string())?;
    pen.leaf("CreDtTm", created)?;
    pen.with("Acct", |pen| {
        pen.with("Id", |pen| {
            if is_iban(&account.number) {
                pen.leaf("IBAN", &account.number)
            } else {
                pen.with("Othr", |pen| pen.leaf("Id", &account.number))
            }
        })?;
        pen.leaf("Ccy", currency)
    })?;
    balance(pen, "OPBD", statement.opening, currency, statement.begins())?;
    balance(pen, "CLBD", statement.closing(), currency, statement.day)?;
    summary(pen, statement)?;
    statement.lines.iter().try_for_each(|line| entry(pen, line, statement))
}

fn balance(pen: &mut Pen, code: &str, amount: Decimal, currency: &str, day: NaiveDate) -> io::Result<()> {
    pen.with("Bal", |pen| {
        pen.with("Tp", |pen| pen.with("CdOrPrtry", |pen| pen.leaf("Cd", code)))?;
        pen.amount(amount, currency)?;
        pen.date("Dt", day)
    })
}

fn summary(pen: &mut Pen, statement: &Statement<'_>) -> io::Result<()> {
    let sum: Decimal = statement.lines.iter().map(|line| line.amount.abs().decimal()).sum();
    pen.with("TxsSummry", |pen| {
        pen.with("TtlNtries", |pen| {
            pen.leaf("NbOfNtries", &statement.lines.len().to_string())?;
            pen.leaf("Sum", &plain(sum))?;
            pen.with("TtlNetNtry", |pen| {
                pen.leaf("Amt", &plain(statement.net()))?;
                pen.side(statement.net())
            })
        })
    })
}

fn entry(pen: &mut Pen, line: &Line, statement: &Statement<'_>) -> io::Result<()> {
    let reference = cut(&line.id, REFERENCE_MAX);
    pen.with("Ntry", |pen| {
        pen.leaf("NtryRef", &reference)?;
        pen.amount(line.amount.decimal(), statement.account.currency.as_str())?;
        pen.with("Sts", |pen| pen.leaf("Cd", "BOOK"))?;
        pen.date("BookgDt", statement.day)?;
        pen.date("ValDt", line.value_date)?;
        pen.leaf("AcctSvcrRef", &reference)?;
        pen.with("BkTxCd", |pen| {
            pen.with("Domn", |pen| {
                pen.leaf("Cd", "PMNT")?;
                let is_debit = line.amount.decimal().is_sign_negative();
                pen.with("Fmly", |pen| {
                    pen.leaf("Cd", if is_debit { "IDDT" } else { "RCDT" })?;
                    pen.leaf("SubFmlyCd", "OTHR")
                })
            })
        })?;
        pen.with("NtryDtls", |pen| {
            pen.with("TxDtls", |pen| {
                pen.with("Refs", |pen| pen.leaf("EndToEndId", &reference))?;
                pen.amount(line.amount.decimal(), statement.account.currency.as_str())?;
                pen.with("RmtInf", |pen| pen.leaf("Ustrd", &cut(&line.memo, REMITTANCE_MAX)))
            })
        })?;
        pen.leaf("AddtlNtryInf", &cut(&format!("{} {}", line.id, line.memo), INFORMATION_MAX))
    })
}

/// Two letters, two digits, and letters or digits.
fn is_iban(number: &str) -> bool {
    let bytes = number.as_bytes();
    (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes.iter().all(u8::is_ascii_alphanumeric)
}
