"""Sending a file to the API, as a form does."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile

YAHOO = """Date,Open,High,Low,Close,Adj Close,Volume
2024-01-02,10,12,9,11,5.5,100
2024-01-03,11,13,10,12,6.0,200
"""


def send(api, data: str | bytes, path: str = "imports", **fields):
    content = data.encode() if isinstance(data, str) else data
    headers = {"Prefer": fields.pop("prefer")} if "prefer" in fields else {}
    form = {"file": SimpleUploadedFile("bars.csv", content), **fields}
    return api.post(f"/api/v1/{path}", form, format="multipart", headers=headers)
