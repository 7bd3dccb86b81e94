"""A consumer that nobody of the house wrote a line for: it reads a drop folder with the standard library alone.

It answers one line of JSON for each that it gets: {"folder": ..., "keys": [...]}. For each key the answer names where it stands, and
everything in the folder that is not as docs/files.md says."""

import csv
import datetime
import decimal
import hashlib
import io
import json
import os
import re
import sys
import xml.etree.ElementTree as xml

NAME = re.compile(r"PSX_([A-Za-z0-9-]+)_(\d{8})_(\d{8,})_([0-9a-f]{8})\.(csv|jsonl|ofx|xml|sta)$")
GUARDED = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


def unguarded(cell):
    return cell[1:] if cell.startswith("'") else cell


def read_csv(name, data, head):
    text = data.decode("utf-8")
    check(not text.startswith("\ufeff"), "a byte order mark")
    check(text.count("\n") == text.count("\r\n") and text.endswith("\r\n"), "a line without CRLF")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    check(len({len(row) for row in rows}) == 1, "records of several lengths")
    header, columns, details, trailer = rows[0], rows[1], rows[2:-1], rows[-1]
    check([row[0] for row in rows] == ["H", "C"] + ["D"] * len(details) + ["T"], "records out of order")
    check(header[1] == "1" and header[2] == head["label"] and int(header[3]) == head["sequence"], "the header")
    datetime.datetime.fromisoformat(header[4].replace("Z", "+00:00"))
    records = []
    for row in details:
        for name_of, cell in zip(columns, row):
            if name_of not in ("debit", "credit", "line", "lines"):
                check(not cell.startswith(GUARDED[:4]), f"a formula: {cell}")
        record = dict(zip(columns[1:], row[1:]))
        for column in record:
            if column not in ("debit", "credit", "line", "lines"):
                record[column] = unguarded(record[column])
        datetime.date.fromisoformat(record["date"])
        records.append(record)
    found, total = judged(name, records, 3)
    check(trailer[1:5] == total, f"the trailer {trailer[1:5]} and {total}")
    return header[5], found


def read_jsonl(name, data, head):
    check(data.endswith(b"\n"), "the last line is cut off")
    rows = [json.loads(line, parse_float=decimal.Decimal) for line in data.decode("utf-8").splitlines()]
    header, details, trailer = rows[0], rows[1:-1], rows[-1]
    kinds = [row["record"] for row in rows]
    check(kinds == ["header"] + ["detail"] * len(details) + ["trailer"], "records out of order")
    check(header["target"] == head["label"] and header["sequence"] == head["sequence"], "the header")
    content = header["content"]
    if content != "entries":
        what = content[:-1]
        for row in details:
            check(isinstance(row[what], dict), f"no {what}")
            row.update(line=1, lines=1, debit="0", credit="0")
    found, total = judged(name, details, 2)
    said = [str(trailer[key]) for key in ("rows", "sum_debit", "sum_credit", "hash_total")]
    check(said == total, f"the trailer {said} and {total}")
    return header["previous_sha256"], found


def judged(name, records, first):
    """Where each key begins, and the totals; that the lines of an entry stand together and balance."""
    found, debit, credit, hashes = {}, decimal.Decimal(0), decimal.Decimal(0), 0
    sums, lines = {}, {}
    for number, record in enumerate(records, first):
        key = record["key"]
        debit += decimal.Decimal(record["debit"])
        credit += decimal.Decimal(record["credit"])
        sums[key] = sums.get(key, 0) + decimal.Decimal(record["debit"]) - decimal.Decimal(record["credit"])
        hashes += int(hashlib.sha256(key.encode()).hexdigest()[:8], 16)
        lines.setdefault(key, []).append((int(record["line"]), int(record["lines"])))
        if int(record["line"]) == 1:
            found.setdefault(key, []).append(f"{name}#{number}")
    for key, numbers in lines.items():
        check(numbers == [(number, len(numbers)) for number in range(1, len(numbers) + 1)], f"lines of {key}: {numbers}")
        check(sums[key] == 0, f"{key} does not balance")
    return found, [str(len(records)), str(debit), str(credit), str(hashes)]


def read_ofx(data):
    text = data.decode("utf-8")
    number = re.search(r"<ACCTID>([^<\r\n]*)", text).group(1)
    field = lambda block, tag: re.search(rf"<{tag}>([^<\r\n]*)", block).group(1).replace("&amp;", "&")
    lines = []
    for block in re.findall(r"<STMTTRN>(.*?)</STMTTRN>", text, re.S):
        day = datetime.datetime.strptime(field(block, "DTPOSTED")[:8], "%Y%m%d").date()
        amount = decimal.Decimal(field(block, "TRNAMT"))
        check((field(block, "TRNTYPE") == "DEBIT") == (amount < 0), "a transaction of the wrong type")
        lines.append((field(block, "FITID"), day, amount))
    closing = decimal.Decimal(field(text, "BALAMT"))
    return number, closing - sum(line[2] for line in lines), closing, lines


def read_camt(data):
    root = xml.fromstring(data)
    space = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}
    side = lambda node: -1 if node.findtext("c:CdtDbtInd", None, space) == "DBIT" else 1
    amount = lambda node: side(node) * decimal.Decimal(node.findtext("c:Amt", None, space))
    (statement,) = root.findall(".//c:Stmt", space)
    number = statement.findtext("c:Acct/c:Id/c:Othr/c:Id", None, space) or statement.findtext("c:Acct/c:Id/c:IBAN", None, space)
    balances = {b.findtext(".//c:Cd", None, space): amount(b) for b in statement.findall("c:Bal", space)}
    lines = []
    for entry in statement.findall("c:Ntry", space):
        day = datetime.date.fromisoformat(entry.findtext("c:ValDt/c:Dt", None, space))
        # References are cut; what is added says it whole.
        lines.append((entry.findtext("c:AddtlNtryInf", None, space).split(" ")[0], day, amount(entry)))
    count = int(statement.findtext("c:TxsSummry/c:TtlNtries/c:NbOfNtries", None, space))
    net = statement.find("c:TxsSummry/c:TtlNtries/c:TtlNetNtry", space)
    check(count == len(lines) and amount(net) == sum(line[2] for line in lines), "the summary")
    return number, balances["OPBD"], balances["CLBD"], lines


def read_mt940(data):
    fields = re.split(r"\r\n(?=:|-\r\n)", data.decode("ascii"))
    number, opening, closing, lines = None, None, None, []
    money = lambda text: decimal.Decimal(text.replace(",", "."))
    for field in fields:
        tag, _, value = field[1:].partition(":")
        if tag == "25":
            number = value.split("/")[-1]
        elif tag in ("60F", "62F"):
            mark, _, _, amount = re.fullmatch(r"([CD])(\d{6})([A-Z]{3})([\d,]+)", value).groups()
            balance = money(amount) * (-1 if mark == "D" else 1)
            opening, closing = (balance, closing) if tag == "60F" else (opening, balance)
        elif tag == "61":
            day, _, mark, amount, reference = re.fullmatch(r"(\d{6})(\d{4})([CD])([\d,]+)NTRF(.{1,16})", value).groups()
            day = datetime.datetime.strptime(day, "%y%m%d").date()
            lines.append([reference, day, money(amount) * (-1 if mark == "D" else 1)])
        elif tag == "86":
            lines[-1][0] = value.replace("\r\n", "").split(" ")[0]
    return number, opening, closing, [tuple(line) for line in lines]


class Wrong(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Wrong(what)


def read(path, name):
    """Hash, hash of the one before if it says one, keys with their places, and the statement."""
    label, _, sequence, sha256, extension = NAME.match(name).groups()
    with open(path, "rb") as file:
        data = file.read()
    digest = hashlib.sha256(data).hexdigest()
    check(digest.startswith(sha256), "the name says another hash")
    head = {"label": label, "sequence": int(sequence)}
    if extension in ("csv", "jsonl"):
        previous, found = (read_csv if extension == "csv" else read_jsonl)(name, data, head)
        return {"sha256": digest, "previous": previous, "found": found, "statement": None}
    number, opening, closing, lines = {"ofx": read_ofx, "xml": read_camt, "sta": read_mt940}[extension](data)
    check(opening + sum(line[2] for line in lines) == closing, "opening, lines and closing")
    found = {}
    for line in lines:
        found.setdefault(line[0], []).append(f"account {number}: {line[0]}")
    statement = {
        "opening": str(opening), "closing": str(closing), "day": name.split("_")[2],
        "lines": [[line[0], str(line[1]), str(line[2])] for line in lines],
    }
    return {"sha256": digest, "previous": None, "found": found, "statement": statement}


KNOWN = {}


def folder(root):
    """Everything that was dropped, by sequence, and what is wrong with it."""
    files, wrong = {}, []
    for place in (root, os.path.join(root, "ack"), os.path.join(root, "err")):
        for name in sorted(os.listdir(place)):
            path = os.path.join(place, name)
            if not os.path.isfile(path):
                continue
            if not NAME.match(name):
                wrong.append(f"{path} is none of theirs")
                continue
            try:
                if path not in KNOWN:
                    KNOWN[path] = read(path, name)
            except FileNotFoundError:
                continue
            except Exception as error:
                wrong.append(f"{name}: {error!r}")
                continue
            sequence = int(name.split("_")[3])
            if sequence in files:
                wrong.append(f"sequence {sequence} is there twice")
            files[sequence] = KNOWN[path]
    ordered = [files[sequence] for sequence in sorted(files)]
    if sorted(files) != list(range(1, len(files) + 1)):
        wrong.append(f"the sequence has gaps: {sorted(files)}")
    for before, file in zip([None] + ordered, ordered):
        if file["previous"] is not None and file["previous"] != (before["sha256"] if before else ""):
            wrong.append("a header names another file before it")
        if file["statement"] and before and before["statement"]["closing"] != file["statement"]["opening"]:
            if decimal.Decimal(before["statement"]["closing"]) != decimal.Decimal(file["statement"]["opening"]):
                wrong.append("balances do not chain")
        if file["statement"] and before and before["statement"]["day"] >= file["statement"]["day"]:
            wrong.append("a day has two statements, or goes back")
    return ordered, wrong


def narrow(key):
    return "".join(c if c.isascii() and (c.isalnum() or c in "/-?().,'+ ") else "." for c in key)


def answer(question):
    files, wrong = folder(question["folder"])
    places = {}
    for key in question["keys"] if question["keys"] is not None else {key for file in files for key in file["found"]}:
        places[key] = [place for file in files for place in file["found"].get(key, [])]
        if not places[key] and narrow(key) != key:
            found = [place for file in files for place in file["found"].get(narrow(key), [])]
            places[key] = [place.replace(narrow(key), key) for place in found]
    return {"places": places, "wrong": wrong, "files": len(files), "statements": [file["statement"] for file in files]}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
