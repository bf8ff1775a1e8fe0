"""Users and groups in the workshop: a role and its environments instead of a hundred rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth import admin as stock
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations import access, roles
from integrations.scopes import ROLES, SCOPES
from integrations.workshop import WrittenDown, contents, tell_password

if TYPE_CHECKING:
    FormBase = forms.ModelForm[User]
    UserAdminBase = stock.UserAdmin[User]
    NewBase = AdminUserCreationForm[User]
    ChangeBase = UserChangeForm[User]
else:
    FormBase, UserAdminBase = forms.ModelForm, stock.UserAdmin
    NewBase, ChangeBase = AdminUserCreationForm, UserChangeForm

admin.site.unregister([User, Group])


class EnvironmentsField(forms.CharField):
    """Names parted by commas."""

    def clean(self, value: Any) -> Any:
        names = list(dict.fromkeys(name.strip() for name in super().clean(value).split(",") if name.strip()))
        if names and (sentence := access.refusal(names)):
            raise ValidationError(sentence)
        return names


class RoleForm(FormBase):
    """The role of a user and where it holds."""

    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        required=False,
        widget=forms.RadioSelect,
        choices=[
            ("", gettext_lazy("none: may do nothing")),
            ("viewer", gettext_lazy("viewer: see everything, change nothing")),
            *((name, f"{name}: {SCOPES[ROLES[name]]}") for name in list(ROLES)[1:]),
        ],
        help_text=gettext_lazy("Each includes the one above it."),
    )
    environments = EnvironmentsField(
        label=gettext_lazy("Environments"),
        required=False,
        help_text=gettext_lazy("Names parted by commas: sees nothing of any other. Empty: all of them."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["role"] = roles.role_of(self.instance)
            row = access.Access.objects.filter(user=self.instance).first()
            self.initial["environments"] = ", ".join(row.environments) if row else ""


class NewPersonForm(RoleForm, NewBase):
    """A new user with a role."""


class PersonForm(RoleForm, ChangeBase):
    """A user with a role."""


WHAT: Any = (gettext_lazy("What this account may do"), {"fields": ("role", "environments")})
ABOUT: Any = (gettext_lazy("Who it is"), {"fields": ("first_name", "last_name", "email", "is_active")})
MORE: Any = (gettext_lazy("Beside the role"), {"fields": ("is_superuser", "groups", "user_permissions")})


@admin.register(User)
class PersonAdmin(WrittenDown, UserAdminBase):
    """People are of no environment: only who is not limited himself changes them, and superusers only superusers."""

    form = PersonForm
    add_form = NewPersonForm
    fieldsets = ((None, {"fields": ("username", "password")}), WHAT, ABOUT)
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2")}), WHAT)
    list_display = ("username", "email", "role", "environments", "is_active", "last_login")
    list_filter = ("is_active", "groups")

    @admin.display(description=gettext_lazy("Role"))
    def role(self, user: User) -> str:
        return _("superuser") if user.is_superuser else roles.role_of(user) or "–"

    @admin.display(description=gettext_lazy("Environments"))
    def environments(self, user: User) -> str:
        places = access.environments_of(user)
        return _("all") if places is None else ", ".join(sorted(places)) or "–"

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        usual: Any = super().get_fieldsets(request, obj)
        return (*usual, MORE) if obj is not None and request.user.is_superuser else usual

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Offer groups beside the roles: the role is chosen by itself."""
        if db_field.name == "groups":
            options["queryset"] = Group.objects.exclude(name__in=ROLES)
        return super().formfield_for_manytomany(db_field, request, **options)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if "role" in form.cleaned_data:
            roles.give(form.instance, form.cleaned_data["role"], form.cleaned_data["environments"])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._reaches(request, None) and request.user.has_perm("auth.add_user")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self._reaches(request, obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return self._reaches(request, obj) and super().has_delete_permission(request, obj)

    def _reaches(self, request: HttpRequest, obj: User | None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return access.environments_of(request.user) is None

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Let no action delete a superuser for somebody who is none."""
        return super().get_deleted_objects(self._deletable(objs, request), request)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        super().delete_queryset(request, self._deletable(queryset, request))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:
        with transaction.atomic():
            user = User.objects.filter(pk=id).first() if id.isdecimal() else None
            before = {} if user is None else contents(user)
            response = super().user_change_password(request, id, form_url)
            if user is not None:
                user.refresh_from_db()
                tell_password(user, before)
        return response

    def _deletable(self, users: Any, request: HttpRequest) -> Any:
        if request.user.is_superuser or not isinstance(users, QuerySet):
            return users
        return users.filter(is_superuser=False)


@admin.register(Group)
class GroupAdmin(WrittenDown, stock.GroupAdmin):
    """Groups beside the roles, for superusers: they can give any right. What a role may do is not kept in rows."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).exclude(name__in=ROLES)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(request.user.is_superuser)
