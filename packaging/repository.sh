#!/bin/sh
# Make or renew a signed flat repository of the .deb files in DIR:  packaging/repository.sh DIR KEY
#
# KEY is the fingerprint of a key in gpg's keyring (GNUPGHOME says which). DIR can then be put on any web server; a
# computer that trusts DIR/conecta-archive-keyring.asc finds updates in it:
#
#   Types: deb
#   URIs: https://…/DIR
#   Suites: ./
#   Signed-By: /usr/share/keyrings/conecta-archive-keyring.asc
set -eu
cd "$1"
for tool in apt-ftparchive gpg; do
	command -v "$tool" >/dev/null || { echo "Missing: $tool. This installs it: apt-get install apt-utils gnupg" >&2; exit 1; }
done
apt-ftparchive packages . >Packages
gzip -9nkf Packages
rm -f Release InRelease
apt-ftparchive -o APT::FTPArchive::Release::Origin=Conecta -o APT::FTPArchive::Release::Suite=stable release . >Release.new
mv Release.new Release
gpg --batch --yes --local-user "$2" --clearsign --output InRelease Release
gpg --batch --yes --armor --export "$2" >conecta-archive-keyring.asc
