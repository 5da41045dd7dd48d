# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# When a Windows host last booted, in the frame of windows_reader.ps1. Changes nothing.

$ErrorActionPreference = 'Stop'
$booted = (Get-CimInstance -ClassName Win32_OperatingSystem).LastBootUpTime.ToUniversalTime()
$text = $booted.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [Globalization.CultureInfo]::InvariantCulture)
$answer = [ordered]@{ protocol = 1; ok = $true; result = [ordered]@{ booted_at = $text } }
$json = ConvertTo-Json -InputObject $answer -Depth 4 -Compress
"$OpenfleetMark begin answer"
[Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($json))
"$OpenfleetMark end answer"
