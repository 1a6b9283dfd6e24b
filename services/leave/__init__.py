"""Leave: policies, balances as a ledger, requests and their approval, holidays."""
