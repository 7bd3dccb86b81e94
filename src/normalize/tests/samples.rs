//! Bodies in the forms that the Paystand X docs publish, values made up.

pub(super) const CUSTOMER: &str = r#"{"object": "payerCustomer", "id": "pc7k2m9q4x1v8b3n6t0z5w2a", "extCustomerId": "C-10045",
 "customerName": "Northwind Dental", "email": "ap@northwind.example", "contactFirstName": "Ana", "contactLastName": "Ruiz",
 "payer": {"object": "payer", "id": "py3f8h1j6d4s9g2l7k0c5x8v", "name": "Northwind Dental", "email": "ap@northwind.example",
           "externalId": "C-10045", "ownerId": "mr5t8y2u6i9o3p7a1s4d0f6g", "status": "active"},
 "status": "active", "created": "2026-03-02T15:04:05.000Z", "lastUpdated": "2026-03-02T15:04:05.000Z"}"#;

pub(super) const RECEIVABLE: &str = r#"{"object": "receivable", "id": "rc1a9s8d7f6g5h4j3k2l1z0x", "extId": "INV-2201", "extCustomerId": "C-10045",
 "payerCustomerId": "pc7k2m9q4x1v8b3n6t0z5w2a", "amount": "250.00", "amountPaid": "100.00", "currency": "USD",
 "payerEmail": "ap@northwind.example", "date": "2026-05-01T00:00:00.000Z", "dateDue": "2026-05-31T00:00:00.000Z",
 "datePaid": null, "status": "active", "attachments": [],
 "created": "2026-05-01T14:00:00.000Z", "lastUpdated": "2026-05-11T21:35:00.000Z"}"#;

pub(super) const OLDER_RECEIVABLE: &str = r#"{"object": "receivable", "id": "rc1a9s8d7f6g5h4j3k2l1z0x", "extId": "INV-2201", "amount": "250.00",
 "amountPaid": "100.00", "currency": "USD", "dateDue": "05-31-2026", "status": "current"}"#;

pub(super) const TRANSACTION: &str = r#"{"object": "receivableTransaction", "id": "rt4v7b1n8m2c5x9z3l6k0j4h", "receivableId": "rc1a9s8d7f6g5h4j3k2l1z0x",
 "paymentId": "pm6y3u9i1o7p4a8s2d5f0g3h", "resourceId": "pm6y3u9i1o7p4a8s2d5f0g3h", "resourceType": "Payment",
 "paymentOrigin": "reminder", "amountApplied": "100.00", "status": "active",
 "receivable": {"object": "receivable", "id": "rc1a9s8d7f6g5h4j3k2l1z0x", "extId": "INV-2201", "extCustomerId": "C-10045",
                "amount": "250.00", "amountPaid": "100.00", "currency": "USD", "dateDue": "2026-05-31T00:00:00.000Z"},
 "payment": {"object": "payment", "id": "pm6y3u9i1o7p4a8s2d5f0g3h", "amount": "103.00", "currency": "USD", "status": "posted"},
 "created": "2026-05-11T21:35:00.000Z", "lastUpdated": "2026-05-11T21:35:00.000Z"}"#;

pub(super) const PAYMENT: &str = r#"{"object": "payment", "id": "pm6y3u9i1o7p4a8s2d5f0g3h", "amount": "103.00", "currency": "USD",
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
 "fees": [{"object": "fee", "id": "fe8n5b2v9c6x3z0l7k4j1h8g", "feeType": "delayed", "resourceAmount": "103.00",
           "currency": "USD", "status": "active", "created": "2026-05-11T21:34:58.000Z", "lastUpdated": "2026-05-11T21:34:58.000Z"}],
 "holds": [], "refunds": [], "disputes": [], "customValues": [], "meta": {},
 "created": "2026-05-11T21:34:51.000Z", "lastUpdated": "2026-05-11T21:34:58.000Z"}"#;

pub(super) const FEE: &str = r#"{"object": "fee", "id": "fe8n5b2v9c6x3z0l7k4j1h8g", "amount": "2.50", "resourceAmount": "103.00", "currency": "USD",
 "feeType": "paystand", "resourceId": "pm6y3u9i1o7p4a8s2d5f0g3h", "resourceType": "Payment",
 "resource": {"object": "payment", "id": "pm6y3u9i1o7p4a8s2d5f0g3h", "amount": "103.00", "currency": "USD", "status": "posted",
              "ownerId": "mr5t8y2u6i9o3p7a1s4d0f6g", "payerId": "py3f8h1j6d4s9g2l7k0c5x8v"},
 "status": "active", "created": "2026-05-11T21:34:58.000Z", "lastUpdated": "2026-05-11T22:10:03.000Z"}"#;

pub(super) const REFUND: &str = r#"{"object": "refund", "id": "rf9z6x3c0v7b4n1m8a5s2d9f", "amount": "40.00", "currency": "USD", "settlementAmount": "40.00",
 "settlementCurrency": "USD", "paymentId": "pm6y3u9i1o7p4a8s2d5f0g3h", "resourceId": "pm6y3u9i1o7p4a8s2d5f0g3h",
 "resourceType": "Payment", "ownerId": "mr5t8y2u6i9o3p7a1s4d0f6g", "feesRefunded": false, "status": "paid",
 "created": "2026-05-12T16:00:00.000Z", "lastUpdated": "2026-05-12T16:20:00.000Z"}"#;

pub(super) const DISPUTE: &str = r#"{"object": "dispute", "id": "dp3q0w7e4r1t8y5u2i9o6p3a", "amount": "150.00", "amountWon": "0.00", "currency": "USD",
 "settlementAmount": "150.00", "settlementCurrency": "USD", "disputeType": "Bank", "reason": "Insufficient Funds",
 "disputeFee": "35.00", "fees": [], "paymentId": "pm1l4k7j0h3g6f9d2s5a8q1w", "resourceId": "pm1l4k7j0h3g6f9d2s5a8q1w",
 "resourceType": "Payment", "closed": false, "status": "processing",
 "created": "2026-05-12T09:00:00.000Z", "lastUpdated": "2026-05-12T09:00:02.000Z"}"#;

pub(super) const TRANSFER: &str = r#"{"object": "transfer", "id": "tr5g2h9j6k3l0z7x4c1v8b5n", "amount": "424.67", "currency": "USD",
 "dateToPost": "2026-05-12T21:30:59.000Z", "dateSettled": "2026-05-14T13:00:00.000Z",
 "holds": [{"object": "hold", "id": "hd8m5n2b9v6c3x0z7l4k1j8h", "amount": "424.67", "currency": "USD", "holdTime": "0",
            "releaseDate": "2026-05-12T21:30:59.000Z", "resourceId": "tr5g2h9j6k3l0z7x4c1v8b5n", "resourceType": "Transfer", "status": "active"}],
 "bankId": "bk7u4y1t8r5e2w9q6p3o0i7u", "accountKey": "default", "resourceId": "wd2f9g6h3j0k7l4z1x8c5v2b", "resourceType": "Withdrawal",
 "provider": "vantiv", "status": "paid", "ownerId": "mr5t8y2u6i9o3p7a1s4d0f6g",
 "created": "2026-05-12T21:30:59.000Z", "lastUpdated": "2026-05-14T13:00:01.000Z"}"#;

pub(super) const TRANSFER_ENTRY: &str = r#"{"object": "transferReportEntry", "transferId": "tr5g2h9j6k3l0z7x4c1v8b5n", "resourceType": "Fee",
 "resourceId": "fe4d1f8g5h2j9k6l3z0x7c4v", "resourceStatus": "active", "transferAmount": "-7.83", "payerName": "Northwind Dental"}"#;

pub(super) const WITHDRAWAL: &str = r#"{"object": "withdrawal", "id": "wd2f9g6h3j0k7l4z1x8c5v2b", "amount": "424.67", "currency": "USD", "bankId": "bk7u4y1t8r5e2w9q6p3o0i7u",
 "accountKey": "default", "dateToPost": "2026-05-12T21:30:59.000Z", "hasTransactions": false,
 "transfers": [{"object": "transfer", "id": "tr5g2h9j6k3l0z7x4c1v8b5n", "amount": "424.67", "currency": "USD",
                "resourceId": "wd2f9g6h3j0k7l4z1x8c5v2b", "resourceType": "Withdrawal", "status": "processing"}],
 "status": "processing", "ownerId": "mr5t8y2u6i9o3p7a1s4d0f6g",
 "created": "2026-05-12T21:30:59.000Z", "lastUpdated": "2026-05-12T21:30:59.000Z"}"#;

pub(super) const CREDIT_MEMO: &str = r#"{"object": "creditMemo", "id": "cm6b3n0m7v4c1x8z5l2k9j6h", "extId": "CM-88", "extKey": "CM-88", "amount": 25.0, "amountRemaining": 25.0,
 "extCustomerId": "C-10045", "extCreationDate": "05-01-2026", "extPostedDate": "05.02.2026", "currency": "USD", "status": "active",
 "created": "2026-05-01T14:10:00.000Z", "lastUpdated": "2026-05-01T14:10:00.000Z"}"#;
