Feature: The interactions of SECMP0024 Option 1
  The preliminary assessment's table (A01 to A12), and what the business requirements add (X01 to X08).

  @A01 @BR-1.1
  Scenario: A01, initial notification
    When DCC announces a release
    Then Supplier A gets the email A01
    And Supplier B gets the email A01
    And CSP North gets FirmwareReleaseNotice
    And CSP South gets FirmwareReleaseNotice

  @A02 @PIA-2 @PIA-8
  Scenario: A02, default pilot list
    Given a release is in its pilot
    When the CSP uploads a default pilot list of the split hubs
    Then Supplier A gets N66 for the split hubs
    And Supplier B gets N66 for the split hubs

  @A03 @PIA-2
  Scenario: A03, default pilot schedule
    Given a release is in its pilot
    When CSP North uploads a default pilot schedule of one hub of Supplier A
    Then Supplier A gets N67 for one hub of Supplier A

  @A04 @PIA-1 @BR-2.3
  Scenario: A04, preferred pilot list
    Given a release is in its pilot
    When Supplier A submits a preferred pilot list of the hubs of Supplier A
    Then the answer is I99
    And CSP North gets PreferredPilotList for the hubs of Supplier A
    And CSP South gets PreferredPilotList for the hubs of Supplier A
    And DCC gets PreferredPilotListReport for the hubs of Supplier A

  @A05 @PIA-1 @BR-3.5
  Scenario: A05, preferred pilot schedule
    Given a release is in its pilot
    And Supplier A has submitted a preferred pilot list of the hubs of Supplier A
    When Supplier A submits a Pilot group of the hubs of Supplier A
    Then the answer is I99
    And CSP North gets PreferredPilotSchedule for the hubs of Supplier A
    And DCC gets PreferredPilotScheduleReport for the hubs of Supplier A

  @A06 @PIA-9
  Scenario: A06, pilot success, by alert and by email, each once
    Given a release is in its pilot
    When DCC reports the success of the pilot
    Then Supplier A gets N75 once
    And CSP North gets PilotOutcome once
    And Supplier A gets the email A06

  @A07 @PIA-9
  Scenario: A07, pilot failure, by alert and by email, each once
    Given a release is in its pilot
    When DCC reports the failure of the pilot
    Then Supplier A gets N76 once
    And CSP North gets PilotOutcome once
    And Supplier A gets the email A07

  @A09 @PIA-9
  Scenario: A09, safe launch success
    Given a release is in its safe launch
    When DCC reports the success of the safe launch
    Then Supplier A gets N69 once
    And CSP North gets SafeLaunchOutcome once

  @A10 @PIA-9
  Scenario: A10, safe launch failure
    Given a release is in its safe launch
    When DCC reports the failure of the safe launch
    Then Supplier A gets N70 once
    And CSP North gets SafeLaunchOutcome once

  @A08 @PIA-2
  Scenario: A08, safe launch schedule
    Given a release is in its safe launch
    When CSP North uploads a safe launch schedule of one hub of Supplier A
    Then Supplier A gets N68 for one hub of Supplier A

  @A11 @PIA-9
  Scenario: A11, closure reaches the suppliers and the CSPs
    Given a release is in its safe launch
    When DCC closes the release
    Then Supplier A gets the email A11
    And CSP North gets Closure once
    And CSP South gets Closure once

  @A12 @PIA-9
  Scenario: A12, supersession
    Given a release is in its pilot
    When DCC supersedes the release by its successor
    Then Supplier A gets the email A12
    And CSP North gets Supersession once
    And a preferred pilot list of Supplier A is answered E110501

  @X01
  Scenario: X01, activation at one hub
    Given a release is in its pilot
    When the CSP reports one hub of Supplier A active on version 9002
    Then Supplier A gets N64 for one hub of Supplier A
    And DCC gets PilotProgress for one hub of Supplier A

  @X01 @BR-3.5
  Scenario: X01, CS06 for a hub that nothing is planned for
    Given a release is in its pilot
    When the CSP says that it sends CS06 to one hub of Supplier A
    Then the CSP is told to stop for one hub of Supplier A, as it is "NotInstructed"

  @X02 @BR-2.5
  Scenario Outline: X02, a failure at one hub
    Given a release is in its pilot
    When the CSP reports that <step> failed at one hub of Supplier A by "<reason>"
    Then Supplier A gets N71 for one hub of Supplier A
    And the N71 to Supplier A says FailureReason "<reason>"
    And DCC gets PilotProgress for one hub of Supplier A

    Examples:
      | step         | reason         |
      | distribution | noWanCoverage  |
      | activation   | hashMismatch   |

  @X03 @BR-6.3 @BR-6.5
  Scenario Outline: X03, a decision on the roll-out
    Given a release is in its pilot
    When DCC decides to <decision>, confirmed
    Then Supplier A gets N72 once
    And the N72 to Supplier A says Decision "<decision>"
    And CSP North gets RolloutDecision once

    Examples:
      | decision |
      | Pause    |
      | Delay    |
      | Stop     |
      | Withdraw |

  @X04 @BR-6.2
  Scenario: X04, an incident without a decision suspends nothing
    Given a release is in its pilot
    When DCC forwards an incident of Supplier A with a request for an emergency stop
    Then the release is piloting, not paused
    And nobody gets an alert
    And a preferred pilot list of Supplier A is answered I99

  @X05 @PIA-A13
  Scenario: X05, the approval of a successor and not its notice invalidates the pilot
    Given a release is in its pilot
    When DCC announces its successor
    Then the release is piloting, not paused
    When DCC approves its successor
    Then the release is invalidated
    And CSP North gets StageChange once
    And DCC gets StageChange once
    And Supplier A gets N72 once
    And Supplier A gets the email X05 twice, for the beginning of the pilot and for its end

  @X06 @BR-3.3
  Scenario: X06, the second supplier's instruction is known
    Given a release is in its safe launch
    When Supplier A submits a SafeLaunch group of one split hub
    Then Supplier B gets N73 for one split hub
    And no message to Supplier B names Supplier A

  @X07 @PIA-C2 @PIA-C4
  Scenario Outline: X07, the CSP's final decision
    Given a release is in its safe launch
    And Supplier A has submitted a SafeLaunch group of one hub of Supplier A
    When CSP North says <decision> on the group of Supplier A
    Then Supplier A gets N74 once
    And the N74 to Supplier A says Decision "<decision>"

    Examples:
      | decision |
      | Accepted |
      | Refused  |

  @X07 @PIA-C4
  Scenario: X07, the CSP regroups
    Given a release is in its safe launch
    And Supplier A has submitted a SafeLaunch group of the hubs of Supplier A
    When CSP North says Refused on one hub of the group of Supplier A
    Then Supplier A gets N74 for one hub of Supplier A
    And the N74 to Supplier A says Decision "Refused"
    And the plan of one hub of Supplier A is the automatic date

  @X08 @BR-3.7
  Scenario: X08, DCC instructs a batch
    Given a release is in its safe launch
    When DCC instructs a batch of the split hubs
    Then CSP North gets BatchInstruction for the split hubs
    And Supplier A gets N72 for the split hubs
    And Supplier B gets N72 for the split hubs

  @X08 @PIA-A9
  Scenario: X08, DCC chooses hubs on a supplier's behalf
    Given a release is in its pilot
    When DCC chooses two hubs of Supplier A on behalf of Supplier A
    Then Supplier A gets N72 for two hubs of Supplier A
    And CSP North gets PilotSelection for two hubs of Supplier A

  @X09 @BR-3.3
  Scenario: X09, split hubs are planned once both of their suppliers have instructed them
    Given a release is in its safe launch
    When Supplier A submits a SafeLaunch group of the split hubs
    Then CSP North does not get PlannedDeployment
    And Supplier A does not get N77
    When Supplier B submits a SafeLaunch group of the split hubs
    Then CSP North gets PlannedDeployment for the split hubs
    And CSP South gets PlannedDeployment for the split hubs
    And DCC gets PlannedDeploymentReport for the split hubs
    And Supplier A gets N77 for the split hubs
    And Supplier B gets N77 for the split hubs
    And no message to Supplier B names Supplier A

  @X09 @BR-6.5
  Scenario: X09, what a pause makes void is told with the supplier's own group
    Given a release is in its safe launch
    And Supplier A has submitted a SafeLaunch group of the hubs of Supplier A
    When DCC decides to Pause, confirmed
    Then CSP North gets PlannedDeployment for the hubs of Supplier A
    And the PlannedDeployment to CSP North says Reason "Paused"
    And the N77 to Supplier A says Reason "Paused"
    And the N77 to Supplier A says GroupID "G"

  @X09 @EX-11
  Scenario: X09, an instruction is taken back before its period begins
    Given a release is in its safe launch
    And Supplier A has submitted a SafeLaunch group of the hubs of Supplier A
    When Supplier A takes its SafeLaunch group back
    Then the answer is I99
    And CSP North gets PlannedDeployment for the hubs of Supplier A
    And the PlannedDeployment to CSP North says Reason "NotInstructed"
    And the N77 to Supplier A says Reason "NotInstructed"
    And the plan of the hubs of Supplier A is the automatic date
    When Supplier A takes its SafeLaunch group back
    Then the answer is E110602

  @A01 @EX-12
  Scenario: A01, a release names the versions that it may follow
    When DCC announces a release for hubs that run another version
    Then the FirmwareReleaseNotice to CSP North says PermittedPredecessorVersion "8888"
    When Supplier A submits a preferred pilot list of two hubs of Supplier A
    Then the answer is E110502
    And the answer lists two hubs of Supplier A under NotApplicableFirmwareDeviceIDList

  @X10 @BR-3.5
  Scenario: X10, a hub is activated without a plan
    Given a release is in its safe launch
    When the CSP reports one hub of Supplier A active on version 9002
    Then Supplier A gets N64 for one hub of Supplier A
    And Supplier A gets N77 for one hub of Supplier A
    And the N77 to Supplier A says Kind "NotPlanned"
    And CSP North gets PlanDeviation for one hub of Supplier A
    And DCC gets PlanDeviation for one hub of Supplier A

  @X11 @BR-6.4
  Scenario: X11, more hubs fail than the release bears, and the plan is held until DCC decides
    Given a release in its pilot that holds the plan at the first hub that fails
    When the CSP reports that activation failed at one hub of Supplier A by "hashMismatch"
    Then DCC gets PauseProposal once
    And the release is piloting, paused
    And Supplier A gets N72 once
    And the N72 to Supplier A says DecisionStatus "Provisional"
    And CSP North gets RolloutDecision once
    When DCC decides to Proceed, confirmed
    Then the release is piloting, not paused
