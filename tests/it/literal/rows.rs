//! One small set of books in every published dress. What the client must read stands here in full.

/// Customers: the documented sample, and one with nothing but what is sure.
pub const CUSTOMERS: [&str; 2] = [
    r#"{"object": "payerCustomer", "id": "pc7k2m9q4x1v8b3n6t0z5w2a", "extCustomerId": "C-10045",
 "customerName": "Northwind Dental", "email": "ap@northwind.example", "contactFirstName": "Ana", "contactLastName": "Ruiz",
 "payer": {"object": "payer", "id": "py3f8h1j6d4s9g2l7k0c5x8v", "name": "Northwind Dental", "email": "ap@northwind.example",
           "externalId": "C-10045", "ownerId": "mr5t8y2u6i9o3p7a1s4d0f6g", "status": "active"},
 "status": "active", "created": "2026-05-02T15:04:05.000Z", "lastUpdated": "2026-05-02T15:04:05.000Z"}"#,
    r#"{"id": "pc0000000000000000000002", "name": "Zoë & Søn", "payer": null, "status": "active",
 "created": "2026-05-03T00:00:00.000Z", "lastUpdated": "2026-05-20T00:00:01.000Z"}"#,
];

/// Receivables in the shape of create and `/read`.
pub const RECEIVABLES: [&str; 3] = [
    r#"{"object": "receivable", "id": "rc1a9s8d7f6g5h4j3k2l1z0x", "extId": "INV-2201", "extCustomerId": "C-10045",
 "payerCustomerId": "pc7k2m9q4x1v8b3n6t0z5w2a", "amount": "250.00", "amountPaid": "100.00", "currency": "USD",
 "payerEmail": "ap@northwind.example", "date": "2026-05-04T00:00:00.000Z", "dateDue": "2026-05-31T00:00:00.000Z",
 "datePaid": null, "status": "active", "attachments": [],
 "created": "2026-05-04T14:00:00.000Z", "lastUpdated": "2026-05-11T21:35:00.000Z"}"#,
    r#"{"object": "receivable", "id": "rc0000000000000000000002", "extId": "INV-2202", "extCustomerId": "C-10045",
 "amount": "19.99", "amountPaid": "19.99", "currency": "CAD", "dateDue": "2026-06-15T00:00:00.000Z",
 "datePaid": "2026-05-12T00:00:00.000Z", "status": "paid", "attachments": [],
 "created": "2026-05-05T06:59:59.000Z", "lastUpdated": "2026-05-12T10:00:00.000Z"}"#,
    r#"{"object": "receivable", "id": "rc0000000000000000000003", "extId": "INV-2203", "extCustomerId": "C-10045",
 "amount": "0.10", "amountPaid": "0.00", "currency": "USD", "dateDue": "2026-06-15T00:00:00.000Z", "status": "cancelled",
 "created": "2026-05-05T07:00:00.000Z", "lastUpdated": "2026-05-12T10:00:00.000Z"}"#,
];

/// The same as list rows of the older shape: without customer and stamps, month-first dates, `current` for open.
pub const RECEIVABLES_BARE: [&str; 3] = [
    r#"{"object": "receivable", "id": "rc1a9s8d7f6g5h4j3k2l1z0x", "extId": "INV-2201", "amount": "250.00",
 "amountPaid": "100.00", "currency": "USD", "dateDue": "05-31-2026", "status": "current"}"#,
    r#"{"object": "receivable", "id": "rc0000000000000000000002", "extId": "INV-2202", "amount": "19.99",
 "amountPaid": "19.99", "currency": "CAD", "dateDue": "06-15-2026", "status": "paid"}"#,
    r#"{"object": "receivable", "id": "rc0000000000000000000003", "extId": "INV-2203", "amount": "0.10",
 "amountPaid": "0.00", "currency": "USD", "dateDue": "06-15-2026", "status": "cancelled"}"#,
];

/// The same in the shape of `/read`, money as numbers.
pub const RECEIVABLES_NUMERIC: [&str; 3] = [
    r#"{"object": "receivable", "id": "rc1a9s8d7f6g5h4j3k2l1z0x", "extId": "INV-2201", "extCustomerId": "C-10045",
 "amount": 250.00, "amountPaid": 100.00, "currency": "USD", "dateDue": "05/31/2026", "status": "Active",
 "created": "2026-05-04T14:00:00Z", "lastUpdated": "2026-05-11T21:35:00Z"}"#,
    r#"{"object": "receivable", "id": "rc0000000000000000000002", "extId": "INV-2202", "extCustomerId": "C-10045",
 "amount": 19.99, "amountPaid": 19.99, "currency": "cad", "dateDue": "2026-06-15", "status": "PAID",
 "created": "2026-05-05T06:59:59.000Z", "lastUpdated": "2026-05-12T10:00:00.000Z"}"#,
    r#"{"object": "receivable", "id": "rc0000000000000000000003", "extId": "INV-2203", "extCustomerId": "C-10045",
 "amount": 0.10, "amountPaid": 0, "currency": "USD", "dateDue": "06.15.2026", "status": "cancelled",
 "created": "2026-05-05T00:00:00.000-07:00", "lastUpdated": "2026-05-12T10:00:00.000+00:00"}"#,
];

/// Payments as read by id.
pub const PAYMENTS: [&str; 4] = [
    r#"{"object": "payment", "id": "pm6y3u9i1o7p4a8s2d5f0g3h", "amount": "103.00", "currency": "USD",
 "settlementAmount": "103.00", "settlementCurrency": "USD", "status": "posted", "sourceType": "Card",
 "sourceId": "cd2w5e8r1t4y7u0i3o6p9a2s",
 "source": {"object": "card", "id": "cd2w5e8r1t4y7u0i3o6p9a2s", "brand": "visa", "last4": "4242", "nameOnCard": "A Ruiz",
            "expirationMonth": "12", "expirationYear": "2028", "funding": "credit", "status": "active"},
 "payerId": "py3f8h1j6d4s9g2l7k0c5x8v",
 "payer": {"object": "payer", "id": "py3f8h1j6d4s9g2l7k0c5x8v", "name": "Northwind Dental", "externalId": "C-10045", "status": "active"},
 "ownerId": "mr5t8y2u6i9o3p7a1s4d0f6g", "accountKey": "default", "accountId": "ac0q9w8e7r6t5y4u3i2o1p0a",
 "datePosted": "2026-05-11T21:34:58.000Z",
 "feeSplit": {"object": "feeSplit", "feeType": "cardPayment.posted", "feeSplitType": "recoup_custom_of_subtotal",
              "customRate": "0.03", "customFlat": "0.00", "currency": "USD", "subtotal": "100.00",
              "payerTotalFees": "3.00", "merchantTotalFees": "0.00", "payerTotal": "103.00", "payerDiscount": "0.00"},
 "fees": [{"object": "fee", "id": "fe8n5b2v9c6x3z0l7k4j1h8g", "amount": "2.50", "feeType": "paystand", "resourceAmount": "103.00",
           "currency": "USD", "status": "active", "created": "2026-05-11T21:34:58.000Z", "lastUpdated": "2026-05-11T22:10:03.000Z"}],
 "holds": [], "refunds": [], "disputes": [], "customValues": [], "meta": {},
 "created": "2026-05-11T21:34:51.000Z", "lastUpdated": "2026-05-11T21:34:58.000Z"}"#,
    r#"{"object": "payment", "id": "pm0000000000000000000002", "amount": "400.00", "currency": "USD", "status": "paid",
 "sourceType": "Bank", "source": {"object": "bank", "bankName": "First Example", "accountType": "checking", "last4": "6789",
 "routingNumber": "110000000", "nameOnAccount": "Northwind"}, "feeSplit": {"subtotal": "400.00", "payerTotal": "400.00"},
 "fees": [{"object": "fee", "id": "fe0000000000000000000002", "feeType": "delayed", "resourceAmount": "400.00", "currency": "USD",
           "status": "active", "created": "2026-05-11T21:34:58.000Z", "lastUpdated": "2026-05-11T21:34:58.000Z"}],
 "created": "2026-05-11T21:34:51.000Z", "lastUpdated": "2026-05-11T21:34:58.000Z"}"#,
    r#"{"object": "payment", "id": "pm0000000000000000000003", "amount": "0.01", "currency": "EUR", "settlementAmount": "0.02",
 "settlementCurrency": "USD", "status": "failed", "dateFailed": "2026-05-13T09:00:00.000Z", "feeSplit": {"subtotal": "0.01"},
 "fees": [], "created": "2026-05-12T23:59:59.000Z", "lastUpdated": "2026-05-13T09:00:00.000Z"}"#,
    r#"{"object": "payment", "id": "pm0000000000000000000004", "amount": "12.30", "currency": "USD", "status": "created",
 "feeSplit": {"subtotal": "12.30"}, "fees": [],
 "created": "2026-05-31T23:59:59.000Z", "lastUpdated": "2026-06-01T06:59:59.000Z"}"#,
];

/// The same as list rows that say less, and one thing differently.
pub const PAYMENTS_BRIEF: [&str; 4] = [
    r#"{"object": "payment", "id": "pm6y3u9i1o7p4a8s2d5f0g3h", "amount": "103.00", "currency": "USD", "status": "Posted",
 "payerId": "py3f8h1j6d4s9g2l7k0c5x8v", "description": "list only", "created": "2026-05-11T21:34:51.000Z",
 "lastUpdated": "2026-05-11T21:34:58.000Z"}"#,
    r#"{"object": "payment", "id": "pm0000000000000000000002", "amount": "400.00", "currency": "USD", "status": "Paid",
 "fees": ["fe0000000000000000000002"], "created": "2026-05-11T21:34:51.000Z", "lastUpdated": "2026-05-11T21:34:58.000Z"}"#,
    r#"{"object": "payment", "id": "pm0000000000000000000003", "amount": 0.01, "currency": "EUR", "status": "failed", "fees": null,
 "created": "2026-05-12T23:59:59.000Z", "lastUpdated": "2026-05-13T09:00:00.000Z"}"#,
    r#"{"object": "payment", "id": "pm0000000000000000000004", "amount": "12.30", "currency": "USD", "status": "CREATED",
 "feeSplit": null, "created": "2026-05-31T23:59:59.000Z", "lastUpdated": "2026-06-01T06:59:59.000Z"}"#,
];

/// The same as read by id, money as numbers, words in capitals, members that nobody documented.
pub const PAYMENTS_NUMERIC: [&str; 4] = [
    r#"{"object": "payment", "id": "pm6y3u9i1o7p4a8s2d5f0g3h", "amount": 103.00, "currency": "USD", "status": "Posted",
 "feeSplit": {"subtotal": 100.00, "payerTotalFees": 3.00, "payerTotal": 103.00, "customRate": 0.03, "rates": [{"visa": 2.9}]},
 "fees": [{"object": "fee", "id": "fe8n5b2v9c6x3z0l7k4j1h8g", "amount": 2.50, "feeType": "PayStand", "currency": "USD",
           "status": "Active", "created": "2026-05-11T21:34:58Z", "lastUpdated": "2026-05-11T22:10:03Z"}],
 "x-trace": {"deep": [[[{"er": null}]]]}, "created": "2026-05-11T21:34:51Z", "lastUpdated": "2026-05-11T21:34:58Z"}"#,
    r#"{"object": "payment", "id": "pm0000000000000000000002", "amount": 400.00, "currency": "usd", "status": "PAID", "payer": null,
 "feeSplit": {"subtotal": 400.00}, "fees": [{"id": "fe0000000000000000000002", "feeType": "delayed", "amount": null,
 "currency": "USD", "status": "active", "created": "2026-05-11T21:34:58Z", "lastUpdated": "2026-05-11T21:34:58Z"}],
 "created": "2026-05-11T21:34:51Z", "lastUpdated": "2026-05-11T21:34:58Z"}"#,
    r#"{"object": "payment", "id": "pm0000000000000000000003", "amount": 0.01, "currency": "EUR", "status": "failed",
 "settlementAmount": 0.02, "settlementCurrency": "USD", "feeSplit": {"subtotal": 0.01}, "fees": [],
 "created": "2026-05-12T23:59:59Z", "lastUpdated": "2026-05-13T09:00:00Z"}"#,
    r#"{"object": "payment", "id": "pm0000000000000000000004", "amount": 12.30, "currency": "USD", "status": "created", "meta": null,
 "feeSplit": {"subtotal": 12.30}, "fees": [], "created": "2026-05-31T16:59:59-07:00", "lastUpdated": "2026-06-01T06:59:59Z"}"#,
];

/// Rows of `/fees`, where these credentials may read it.
pub const FEES: [&str; 2] = [
    r#"{"object": "fee", "id": "fe8n5b2v9c6x3z0l7k4j1h8g", "amount": "2.50", "resourceAmount": "103.00", "currency": "USD",
 "feeType": "paystand", "resourceId": "pm6y3u9i1o7p4a8s2d5f0g3h", "resourceType": "Payment",
 "resource": {"object": "payment", "id": "pm6y3u9i1o7p4a8s2d5f0g3h", "amount": "103.00", "currency": "USD", "status": "posted",
              "ownerId": "mr5t8y2u6i9o3p7a1s4d0f6g", "payerId": "py3f8h1j6d4s9g2l7k0c5x8v"},
 "status": "active", "created": "2026-05-11T21:34:58.000Z", "lastUpdated": "2026-05-11T22:10:03.000Z"}"#,
    r#"{"object": "fee", "id": "fe0000000000000000000002", "resourceAmount": "400.00", "currency": "USD",
 "feeType": "delayed", "resourceId": "pm0000000000000000000002", "resourceType": "Payment",
 "status": "active", "created": "2026-05-11T21:34:58.000Z", "lastUpdated": "2026-05-11T21:34:58.000Z"}"#,
];

pub const WITHDRAWALS: [&str; 1] = [
    r#"{"object": "withdrawal", "id": "wd2f9g6h3j0k7l4z1x8c5v2b", "amount": "424.67", "currency": "USD", "bankId": "bk7u4y1t8r5e2w9q6p3o0i7u",
 "accountKey": "default", "dateToPost": "2026-05-12T21:30:59.000Z", "hasTransactions": false,
 "transfers": [{"object": "transfer", "id": "tr5g2h9j6k3l0z7x4c1v8b5n", "amount": "424.67", "currency": "USD",
                "resourceId": "wd2f9g6h3j0k7l4z1x8c5v2b", "resourceType": "Withdrawal", "status": "processing"}],
 "status": "processing", "ownerId": "mr5t8y2u6i9o3p7a1s4d0f6g",
 "created": "2026-05-12T21:30:59.000Z", "lastUpdated": "2026-05-12T21:30:59.000Z"}"#,
];

pub const TRANSFERS: [&str; 2] = [
    r#"{"object": "transfer", "id": "tr5g2h9j6k3l0z7x4c1v8b5n", "amount": "424.67", "currency": "USD",
 "dateToPost": "2026-05-12T21:30:59.000Z", "dateSettled": "2026-05-14T13:00:00.000Z",
 "holds": [{"object": "hold", "id": "hd8m5n2b9v6c3x0z7l4k1j8h", "amount": "424.67", "currency": "USD", "holdTime": "0",
            "releaseDate": "2026-05-12T21:30:59.000Z", "resourceId": "tr5g2h9j6k3l0z7x4c1v8b5n", "resourceType": "Transfer", "status": "active"}],
 "bankId": "bk7u4y1t8r5e2w9q6p3o0i7u", "accountKey": "default", "resourceId": "wd2f9g6h3j0k7l4z1x8c5v2b", "resourceType": "Withdrawal",
 "provider": "vantiv", "status": "paid", "ownerId": "mr5t8y2u6i9o3p7a1s4d0f6g",
 "created": "2026-05-12T21:30:59.000Z", "lastUpdated": "2026-05-14T13:00:01.000Z"}"#,
    r#"{"object": "transfer", "id": "tr0000000000000000000002", "amount": -3.5, "currency": "USD", "status": "sending",
 "created": "2026-05-15T21:30:59.000Z", "lastUpdated": "2026-05-15T21:30:59.000Z"}"#,
];

pub const REFUNDS: [&str; 1] = [
    r#"{"object": "refund", "id": "rf9z6x3c0v7b4n1m8a5s2d9f", "amount": "40.00", "currency": "USD", "settlementAmount": "40.00",
 "settlementCurrency": "USD", "paymentId": "pm6y3u9i1o7p4a8s2d5f0g3h", "resourceId": "pm6y3u9i1o7p4a8s2d5f0g3h",
 "resourceType": "Payment", "ownerId": "mr5t8y2u6i9o3p7a1s4d0f6g", "feesRefunded": false, "status": "paid",
 "created": "2026-05-12T16:00:00.000Z", "lastUpdated": "2026-05-12T16:20:00.000Z"}"#,
];

pub const DISPUTES: [&str; 1] = [
    r#"{"object": "dispute", "id": "dp3q0w7e4r1t8y5u2i9o6p3a", "amount": 150.00, "amountWon": "0.00", "currency": "USD",
 "settlementAmount": "150.00", "settlementCurrency": "USD", "disputeType": "Bank", "reason": "Insufficient Funds",
 "disputeFee": "35.00", "fees": [], "paymentId": "pm0000000000000000000002", "resourceId": "pm0000000000000000000002",
 "resourceType": "Payment", "closed": true, "status": "lost",
 "created": "2026-05-12T09:00:00.000Z", "lastUpdated": "2026-05-12T09:00:02.000Z"}"#,
];

pub const CREDIT_MEMOS: [&str; 1] = [
    r#"{"object": "creditMemo", "id": "cm6b3n0m7v4c1x8z5l2k9j6h", "extId": "CM-88", "extKey": "CM-88", "amount": 25.0, "amountRemaining": 25.0,
 "extCustomerId": "C-10045", "extCreationDate": "05-01-2026", "extPostedDate": "05.01.2026", "currency": "USD", "status": "active",
 "created": "2026-05-01T14:10:00.000Z", "lastUpdated": "2026-05-01T14:10:00.000Z"}"#,
];

/// Below the first receivable.
pub const TRANSACTIONS: [&str; 1] = [
    r#"{"object": "receivableTransaction", "id": "rt4v7b1n8m2c5x9z3l6k0j4h", "receivableId": "rc1a9s8d7f6g5h4j3k2l1z0x",
 "paymentId": "pm6y3u9i1o7p4a8s2d5f0g3h", "resourceId": "pm6y3u9i1o7p4a8s2d5f0g3h", "resourceType": "Payment",
 "paymentOrigin": "reminder", "amountApplied": "100.00", "status": "active",
 "receivable": {"object": "receivable", "id": "rc1a9s8d7f6g5h4j3k2l1z0x", "extId": "INV-2201", "extCustomerId": "C-10045",
                "amount": "250.00", "amountPaid": "100.00", "currency": "USD", "dateDue": "2026-05-31T00:00:00.000Z"},
 "payment": {"object": "payment", "id": "pm6y3u9i1o7p4a8s2d5f0g3h", "amount": 103.00, "currency": "USD", "status": "posted"},
 "created": "2026-05-11T21:35:00.000Z", "lastUpdated": "2026-05-11T21:35:00.000Z"}"#,
];

/// Below the report of the first transfer; they have no id of their own.
pub const ENTRIES: [&str; 2] = [
    r#"{"object": "transferReportEntry", "transferId": "tr5g2h9j6k3l0z7x4c1v8b5n", "resourceType": "payment",
 "resourceId": "pm0000000000000000000002", "resourceStatus": "paid", "transferAmount": "432.50", "payerName": "Northwind Dental"}"#,
    r#"{"object": "transferReportEntry", "transferId": "tr5g2h9j6k3l0z7x4c1v8b5n", "resourceType": "Fee",
 "resourceId": "fe8n5b2v9c6x3z0l7k4j1h8g", "resourceStatus": "active", "transferAmount": -7.83, "payerName": "Northwind Dental"}"#,
];

/// A payment for generated books: `@ID@`, `@CREATED@` and `@UPDATED@` are filled in.
pub const PAYMENT: &str = r#"{"object": "payment", "id": "@ID@", "amount": "103.00", "currency": "USD",
 "settlementAmount": "103.00", "settlementCurrency": "USD", "status": "posted", "sourceType": "Card",
 "source": {"object": "card", "brand": "visa", "last4": "4242", "nameOnCard": "A Ruiz", "funding": "credit"},
 "payer": {"object": "payer", "id": "py3f8h1j6d4s9g2l7k0c5x8v", "name": "Northwind Dental", "externalId": "C-10045"},
 "feeSplit": {"feeSplitType": "recoup_custom_of_subtotal", "subtotal": "100.00", "payerTotalFees": "3.00", "payerTotal": "103.00"},
 "fees": [], "holds": [], "refunds": [], "disputes": [], "customValues": [], "meta": {"order": "@ID@"},
 "created": "@CREATED@", "lastUpdated": "@UPDATED@"}"#;

pub fn payment(id: &str, created: &str, updated: &str) -> String {
    PAYMENT.replace("@ID@", id).replace("@CREATED@", created).replace("@UPDATED@", updated)
}
