"""Pages by cursor: the last row's place is remembered, not its number, so the millionth page costs like the first."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.core.exceptions import ValidationError as NotAValue
from django.db.models import F, Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

USUAL = 50
MOST = 500
PARAMETERS = ("cursor", "limit", "page_size", "ordering")


class NewestFirst(BasePagination):
    """Answer `{next, previous, results}`; the order is the view's first of `orderings`, or what `?ordering=` chooses.

    `orderings` maps the name a caller uses to the model's field; "-" before the name turns it round. Rows with equal
    values are in the order of their ids, rows without a value come last. `limit` (or `page_size`) is 1 to 500.
    """

    orderings = {"id": "id"}
    usual = "-id"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page; raises ValidationError on a bad limit, ordering or cursor."""
        self.url = request.build_absolute_uri()
        limit = self._limit(request)
        field, down = self._ordering(request, view)
        backwards, place = self._place(request, queryset, field)
        order = Order(field, queryset.model._meta.get_field(field).null, down=down != backwards, last=not backwards)
        rows = queryset if place is None else queryset.filter(order.beyond(*place))
        found = list(rows.order_by(*order.terms())[: limit + 1])
        more, page = len(found) > limit, found[:limit]
        if backwards:
            page.reverse()
        self.after = _cursor(page[-1], field, backwards=False) if page and (more or backwards) else None
        self.before = _cursor(page[0], field, backwards=True) if page and (more if backwards else place) else None
        return page

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page with absolute links to its neighbours, null where there is none."""
        return Response({"next": self._link(self.after), "previous": self._link(self.before), "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the page's JSON schema."""
        link = {"type": "string", "format": "uri", "nullable": True}
        properties = {"next": link, "previous": link, "results": schema}
        return {"type": "object", "required": ["next", "previous", "results"], "properties": properties}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the query parameters that every list takes."""
        names = [sign + name for name in getattr(view, "orderings", self.orderings) for sign in ("", "-")]
        number = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
        return [
            _parameter("cursor", {"type": "string"}, "From the links `next` and `previous` of a page."),
            _parameter("limit", number, "Rows on a page; also under the name `page_size`."),
            _parameter("ordering", {"type": "string", "enum": names}, "Whatever follows `-` is turned round."),
        ]

    def _limit(self, request: Request) -> int:
        name = "page_size" if "page_size" in request.query_params else "limit"
        text = request.query_params.get(name, str(USUAL))
        if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= MOST):
            raise ValidationError({name: [f"Between 1 and {MOST}."]})
        return int(text)

    def _ordering(self, request: Request, view: Any) -> tuple[str, bool]:
        orderings: dict[str, str] = getattr(view, "orderings", self.orderings)
        text = str(request.query_params.get("ordering") or getattr(view, "usual_ordering", self.usual))
        name = text.removeprefix("-")
        if name not in orderings:
            raise ValidationError({"ordering": [f"Choose one of {', '.join(orderings)}, with or without - before."]})
        return orderings[name], text.startswith("-")

    def _place(self, request: Request, rows: QuerySet[Any], field: str) -> tuple[bool, tuple[Any, int] | None]:
        text = request.query_params.get("cursor")
        if not text:
            return False, None
        try:
            backwards, value, pk = json.loads(base64.urlsafe_b64decode(text + "=="))
            column = rows.model._meta.get_field(field)
            place = None if value is None else column.to_python(value), _id(pk)
        except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError, NotAValue, FieldDoesNotExist):
            raise ValidationError({"cursor": ["Take it from a page's next or previous link."]}) from None
        return backwards is True, place

    def _link(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        return replace_query_param(remove_query_param(self.url, "cursor"), "cursor", cursor)


@dataclass(frozen=True)
class Order:
    """An order by one field and then by id, and which rows come after a place in it."""

    field: str
    nullable: bool
    down: bool
    last: bool  # rows without a value come last; turned round they come first

    def terms(self) -> list[Any]:
        """Return what `order_by` takes."""
        sign = "-" if self.down else ""
        if self.field == "id":
            return [f"{sign}id"]
        if not self.nullable:
            return [f"{sign}{self.field}", f"{sign}id"]
        nulls = {"nulls_last": True} if self.last else {"nulls_first": True}
        column = F(self.field)
        return [column.desc(**nulls) if self.down else column.asc(**nulls), f"{sign}id"]

    def beyond(self, value: Any, pk: int) -> Q:
        """Return the condition for rows that come after the row with this value and id."""
        comparison = "lt" if self.down else "gt"
        later = Q(**{f"id__{comparison}": pk})
        if self.field == "id":
            return later
        empty = Q(**{f"{self.field}__isnull": True})
        if value is None:
            return empty & later if self.last else (empty & later) | ~empty
        found = Q(**{f"{self.field}__{comparison}": value}) | (Q(**{self.field: value}) & later)
        return found | empty if self.nullable and self.last else found


def _cursor(row: Any, field: str, *, backwards: bool) -> str:
    column = row._meta.get_field(field)
    value = None if getattr(row, field) is None else column.value_to_string(row)
    raw = json.dumps([backwards, value, row.pk], separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _id(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError
    return value


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
