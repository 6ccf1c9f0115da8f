"""Unmanaged models of the tables of Regulars."""

from django.db import models


class Country(models.Model):
    """A country."""

    id = models.BigIntegerField(primary_key=True)
    name = models.TextField()

    class Meta:
        """Table options."""

        managed = False
        db_table = "countries"


class User(models.Model):
    """A user who works for tenants."""

    id = models.BigIntegerField(primary_key=True)
    name = models.TextField()

    class Meta:
        """Table options."""

        managed = False
        db_table = "users"


class Customer(models.Model):
    """A customer of a tenant, without the columns used only for searching and sorting."""

    pk = models.CompositePrimaryKey("tenant_id", "id")
    tenant_id = models.BigIntegerField()
    id = models.BigIntegerField()
    first_name = models.TextField()
    last_name = models.TextField(null=True)
    phone_number = models.TextField(null=True)
    email = models.TextField(null=True)
    date_of_birth = models.DateField(null=True)
    gender = models.TextField(null=True)
    country = models.ForeignKey(Country, models.DO_NOTHING, null=True, related_name="+")
    identity_number = models.TextField(null=True)
    job = models.TextField(null=True)
    address = models.TextField(null=True)
    default_channel_id = models.BigIntegerField(null=True)
    avatar_url = models.TextField(null=True)
    related_user = models.ForeignKey(User, models.DO_NOTHING, null=True, related_name="+", db_column="user_id")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        """Table options."""

        managed = False
        db_table = "customers"
