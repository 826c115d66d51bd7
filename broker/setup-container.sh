#!/bin/sh
# The broker-setup service: users and passwords, then the owners of the volumes.
set -eu

BROKER_UID=1883
SERVICE_UID=10001
export BROKER_UID SERVICE_UID

sh /broker/setup-users.sh /broker/acl /auth /secrets

chown -R $BROKER_UID:$BROKER_UID /broker-data
chown -R $SERVICE_UID:$SERVICE_UID /bridge-state

# A folder of the host: the logger owns the files, the host's group keeps reading and writing them.
chown -R $SERVICE_UID /data
chmod -R g+rwX /data
chmod g+s /data
