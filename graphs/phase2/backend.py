"""The sample backend that graphs/phase2.yaml verifies: documents in SQLite behind FastAPI. Knows nothing of the runner.

DOCUMENTS_DB names the SQLite file (default: in memory). BACKEND_DOWN lists services, such as `storage,search`, that are
reported as down. Start it with `python -m uvicorn --app-dir graphs/phase2 backend:app`; uvicorn binds loopback unless
told otherwise.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field

SERVICES = ("database", "storage", "search")

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, body TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
)
"""


class Draft(BaseModel):
    """What a client may say of a document."""

    name: str = Field(min_length=1, max_length=200)
    body: str = ""


class Document(Draft):
    """A document as it is stored."""

    id: str
    created_at: str
    updated_at: str


class Page(BaseModel):
    """Some of the documents; `next` is the URL of those that follow, null at the end."""

    items: list[Document]
    total: int
    next: str | None


class ServiceStatus(BaseModel):
    """How one part of the backend is."""

    status: Literal["up", "down"]
    message: str = ""


class Store:
    """Documents in one SQLite database; one connection, one statement at a time."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        with self._cursor() as cursor:
            cursor.execute(SCHEMA)

    def add(self, draft: Draft) -> Document:
        """Store a new document."""
        now = _now()
        document = Document(id=str(uuid.uuid4()), created_at=now, updated_at=now, **draft.model_dump())
        with self._cursor() as cursor:
            row = document.model_dump()
            cursor.execute("INSERT INTO documents VALUES (:id, :name, :body, :created_at, :updated_at)", row)
        return document

    def get(self, key: str) -> Document | None:
        """Answer a document; None if there is none."""
        with self._cursor() as cursor:
            row = cursor.execute("SELECT * FROM documents WHERE id = ?", (key,)).fetchone()
        return Document(**dict(row)) if row else None

    def change(self, key: str, draft: Draft) -> bool:
        """Replace name and body; False if there is no such document."""
        with self._cursor() as cursor:
            values = (draft.name, draft.body, _now(), key)
            cursor.execute("UPDATE documents SET name = ?, body = ?, updated_at = ? WHERE id = ?", values)
            return cursor.rowcount == 1

    def remove(self, key: str) -> bool:
        """Delete a document; False if there is no such document."""
        with self._cursor() as cursor:
            return cursor.execute("DELETE FROM documents WHERE id = ?", (key,)).rowcount == 1

    def page(self, prefix: str, limit: int, offset: int) -> tuple[list[Document], int]:
        """Answer documents whose name begins with `prefix`, oldest first, and how many there are in all."""
        begins = "substr(name, 1, length(:prefix)) = :prefix"
        values = {"prefix": prefix, "limit": limit, "offset": offset}
        with self._cursor() as cursor:
            total = cursor.execute(f"SELECT count(*) FROM documents WHERE {begins}", values).fetchone()[0]  # noqa: S608
            query = f"SELECT * FROM documents WHERE {begins} ORDER BY rowid LIMIT :limit OFFSET :offset"  # noqa: S608
            rows = cursor.execute(query, values).fetchall()
        return [Document(**dict(row)) for row in rows], total

    def ping(self) -> str:
        """Ask the database for its word; "" if it answers."""
        try:
            with self._cursor() as cursor:
                cursor.execute("SELECT 1").fetchone()
        except sqlite3.Error as error:
            return str(error)
        return ""

    @contextmanager
    def _cursor(self) -> Iterator[sqlite3.Cursor]:
        with self._lock, self._connection:
            yield self._connection.cursor()


store = Store(os.environ.get("DOCUMENTS_DB", ":memory:"))
down = {name.strip() for name in os.environ.get("BACKEND_DOWN", "").split(",") if name.strip()}
app = FastAPI(title="Documents", version="1.0.0")

Limit = Annotated[int, Query(ge=1, le=200)]
Offset = Annotated[int, Query(ge=0)]


@app.post("/api/documents", status_code=201)
def create(draft: Draft) -> Document:
    """Create a document."""
    return store.add(draft)


@app.get("/api/documents")
def list_documents(request: Request, prefix: str = "", limit: Limit = 50, offset: Offset = 0) -> Page:
    """List documents, page by page."""
    items, total = store.page(prefix, limit, offset)
    following = str(request.url.include_query_params(offset=offset + limit)) if offset + limit < total else None
    return Page(items=items, total=total, next=following)


@app.get("/api/documents/{key}")
def read(key: str) -> Document:
    """Read one document."""
    document = store.get(key)
    if document is None:
        raise HTTPException(404, f"there is no document {key}")
    return document


@app.put("/api/documents/{key}")
def update(key: str, draft: Draft) -> Document:
    """Replace the name and body of a document."""
    store.change(key, draft)
    return read(key)


@app.delete("/api/documents/{key}", status_code=204)
def delete(key: str) -> None:
    """Delete a document."""
    if not store.remove(key):
        raise HTTPException(404, f"there is no document {key}")


@app.get("/api/health")
def health(response: Response) -> dict[str, object]:
    """Say how every part of the backend is; 503 if one of them is down."""
    services = {name: _status(name) for name in SERVICES}
    healthy = all(each.status == "up" for each in services.values())
    response.status_code = 200 if healthy else 503
    return {"status": "healthy" if healthy else "unhealthy", "version": app.version, "services": services}


@app.get("/api/health/ready")
def ready(response: Response) -> dict[str, str]:
    """Say whether requests can be served at all."""
    problem = store.ping()
    response.status_code = 503 if problem else 200
    return {"status": "not_ready" if problem else "ready"}


@app.put("/api/admin/services/{name}")
def set_service(name: str, given: ServiceStatus) -> dict[str, ServiceStatus]:
    """Declare a service down, or up again."""
    if name not in SERVICES:
        raise HTTPException(404, f"there is no service {name}; there are {', '.join(SERVICES)}")
    (down.discard if given.status == "up" else down.add)(name)
    return {each: _status(each) for each in SERVICES}


def _status(name: str) -> ServiceStatus:
    if name in down:
        return ServiceStatus(status="down", message="declared down")
    problem = store.ping() if name == "database" else ""
    return ServiceStatus(status="down" if problem else "up", message=problem)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
