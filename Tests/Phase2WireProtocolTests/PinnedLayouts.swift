import WireProtocol

extension MessageLayoutTests {
    /// Computed from Kafka's JSON schemas by a program that knows nothing of this one, for the body that
    /// `OneOfEach` fills: versions in rising order. `SchemaTests` compares with the schemas themselves.
    static let pinned: [Layouts] = [
        Layouts(
            ProduceRequest.self,
            [
                (26, 0xC55C_AF17), (26, 0xC55C_AF17), (26, 0xC55C_AF17), (29, 0xD9DA_2F06), (29, 0xD9DA_2F06),
                (29, 0xD9DA_2F06), (29, 0xD9DA_2F06), (29, 0xD9DA_2F06), (29, 0xD9DA_2F06), (21, 0x3AC8_0462),
                (21, 0x3AC8_0462), (21, 0x3AC8_0462),
            ]),
        Layouts(
            FetchRequest.self,
            [
                (44, 0xAA26_F851), (52, 0xFE36_BAF7), (52, 0xFE36_BAF7), (75, 0x6E9F_5054), (75, 0x6E9F_5054),
                (79, 0x8AD7_8335), (79, 0x8AD7_8335), (82, 0xEAC3_509F), (79, 0x72A0_8A9D), (107, 0x4198_3FC4),
                (107, 0x4198_3FC4), (118, 0x0F31_C6C0), (118, 0x0F31_C6C0),
            ]),
        Layouts(
            ListOffsetsRequest.self,
            [
                (27, 0xF5A8_056A), (28, 0x1E50_1E56), (28, 0x1E50_1E56), (32, 0x2869_5838), (32, 0x2869_5838),
                (28, 0x750A_C4B1), (28, 0x750A_C4B1), (28, 0x750A_C4B1), (28, 0x750A_C4B1), (32, 0x393B_B98E),
            ]),
        Layouts(
            MetadataRequest.self,
            [
                (7, 0x8E98_5460), (7, 0x8E98_5460), (7, 0x8E98_5460), (7, 0x8E98_5460), (8, 0xC15E_DB64),
                (8, 0xC15E_DB64), (8, 0xC15E_DB64), (8, 0xC15E_DB64), (10, 0x94E4_A3B2), (8, 0x8E0A_D4A2),
                (24, 0xCE15_3817), (23, 0x01F6_533D), (23, 0x01F6_533D), (23, 0x01F6_533D),
            ]),
        Layouts(
            OffsetCommitRequest.self,
            [
                (44, 0x0771_803A), (44, 0x0771_803A), (44, 0x0771_803A), (36, 0x3EC1_23BA), (40, 0x003F_39A0),
                (43, 0xED7B_1024), (35, 0x1EFC_4C03), (35, 0x1EFC_4C03),
            ]),
        Layouts(
            OffsetFetchRequest.self,
            [
                (18, 0xD080_7991), (18, 0xD080_7991), (18, 0xD080_7991), (18, 0xD080_7991), (18, 0xD080_7991),
                (12, 0xA01D_A1E3), (13, 0xB11F_8D69), (15, 0x1723_1798), (21, 0x51EB_159E),
            ]),
        Layouts(
            FindCoordinatorRequest.self,
            [
                (3, 0x8887_37CF), (4, 0x3D00_4D85), (4, 0x3D00_4D85), (4, 0x8A70_C8B3), (5, 0xAF26_7F2A),
                (5, 0xAF26_7F2A), (5, 0xAF26_7F2A),
            ]),
        Layouts(
            JoinGroupRequest.self,
            [
                (25, 0x4C8D_8FBC), (29, 0xF540_7C62), (29, 0xF540_7C62), (29, 0xF540_7C62), (29, 0xF540_7C62),
                (32, 0x296E_60CC), (23, 0x2406_E52A), (23, 0x2406_E52A), (25, 0x8F58_BAB4), (25, 0x8F58_BAB4),
            ]),
        Layouts(
            HeartbeatRequest.self,
            [(10, 0x4C2A_9396), (10, 0x4C2A_9396), (10, 0x4C2A_9396), (13, 0x190D_CE5A), (11, 0x2DAB_92A1)]),
        Layouts(
            LeaveGroupRequest.self,
            [
                (6, 0xE47B_1E24), (6, 0xE47B_1E24), (6, 0xE47B_1E24), (13, 0x6F59_1E90), (9, 0x3BBA_46EC),
                (11, 0xEFCF_D0A4),
            ]),
        Layouts(
            SyncGroupRequest.self,
            [
                (22, 0x026B_DD77), (22, 0x026B_DD77), (22, 0x026B_DD77), (25, 0x4C8D_8FBC), (17, 0xF832_5F68),
                (21, 0x2821_65F8),
            ]),
        Layouts(
            DescribeGroupsRequest.self,
            [
                (7, 0x8E98_5460), (7, 0x8E98_5460), (7, 0x8E98_5460), (8, 0xC15E_DB64), (8, 0xC15E_DB64),
                (5, 0xF747_2A19), (5, 0xF747_2A19),
            ]),
        Layouts(
            ListGroupsRequest.self,
            [
                (0, 0x0000_0000), (0, 0x0000_0000), (0, 0x0000_0000), (1, 0x527D_5351), (4, 0x9A22_2D74),
                (7, 0x044D_4036),
            ]),
        Layouts(SaslHandshakeRequest.self, [(3, 0x8887_37CF), (3, 0x8887_37CF)]),
        Layouts(
            ApiVersionsRequest.self,
            [(0, 0x0000_0000), (0, 0x0000_0000), (0, 0x0000_0000), (5, 0x3BD1_75E8), (5, 0x3BD1_75E8)]),
        Layouts(
            CreateTopicsRequest.self,
            [
                (44, 0x053F_D0BA), (44, 0x053F_D0BA), (44, 0x053F_D0BA), (33, 0x0FCC_673B), (33, 0x0FCC_673B),
                (33, 0x0FCC_673B),
            ]),
        Layouts(
            DeleteTopicsRequest.self,
            [
                (11, 0xF3AC_36CF), (11, 0xF3AC_36CF), (11, 0xF3AC_36CF), (8, 0xB61B_BB0E), (8, 0xB61B_BB0E),
                (25, 0x1892_3B2E),
            ]),
        Layouts(DeleteRecordsRequest.self, [(27, 0x8FE7_0DDF), (27, 0x8FE7_0DDF), (23, 0x6664_0FB4)]),
        Layouts(
            InitProducerIdRequest.self,
            [
                (7, 0xAB7F_977D), (7, 0xAB7F_977D), (7, 0x1375_99A7), (17, 0x61B9_FED8), (17, 0x61B9_FED8),
                (17, 0x61B9_FED8),
            ]),
        Layouts(OffsetForLeaderEpochRequest.self, [(23, 0xEBAF_CCCB), (27, 0x36FF_7467), (23, 0x69C2_B9D3)]),
        Layouts(
            AddPartitionsToTxnRequest.self,
            [(28, 0x099F_0609), (28, 0x099F_0609), (28, 0x099F_0609), (22, 0x37F0_EBFD)]),
        Layouts(
            AddOffsetsToTxnRequest.self, [(16, 0x7539_5C80), (16, 0x7539_5C80), (16, 0x7539_5C80), (15, 0x4915_C4FE)]),
        Layouts(
            EndTxnRequest.self,
            [(14, 0x9E05_94B2), (14, 0x9E05_94B2), (14, 0x9E05_94B2), (14, 0xD8A1_48D0), (14, 0xD8A1_48D0)]),
        Layouts(
            TxnOffsetCommitRequest.self,
            [(42, 0xE031_EDF6), (42, 0xE031_EDF6), (46, 0xDA0B_F92D), (47, 0xA86F_DBBC), (47, 0xA86F_DBBC)]),
        Layouts(
            DescribeConfigsRequest.self, [(16, 0x335E_1B8F), (16, 0x335E_1B8F), (17, 0x7CC0_8915), (11, 0xAD81_6B6B)]),
        Layouts(AlterConfigsRequest.self, [(19, 0x64AB_DD08), (19, 0x64AB_DD08), (13, 0x6B87_E436)]),
        Layouts(
            DescribeLogDirsRequest.self, [(15, 0xFE58_48E0), (10, 0x3362_6D97), (10, 0x3362_6D97), (10, 0x3362_6D97)]),
        Layouts(SaslAuthenticateRequest.self, [(5, 0xD62D_0DD7), (5, 0xD62D_0DD7), (3, 0x88D2_E49F)]),
        Layouts(
            CreatePartitionsRequest.self, [(28, 0x1413_BB00), (28, 0x1413_BB00), (21, 0xAF68_BDA9), (21, 0xAF68_BDA9)]),
        Layouts(DeleteGroupsRequest.self, [(7, 0x8E98_5460), (7, 0x8E98_5460), (4, 0x9A22_2D74)]),
        Layouts(IncrementalAlterConfigsRequest.self, [(20, 0x7DB0_7314), (14, 0x647D_00DA)]),
        Layouts(OffsetDeleteRequest.self, [(18, 0xD080_7991)]),
        Layouts(DescribeClusterRequest.self, [(2, 0xE2C3_EFA5), (3, 0xE260_01EA), (4, 0xC9EF_2B05)]),
        Layouts(ConsumerGroupHeartbeatRequest.self, [(45, 0x0892_F739), (47, 0x8181_1F79)]),
        Layouts(ConsumerGroupDescribeRequest.self, [(5, 0xF747_2A19), (5, 0xF747_2A19)]),
        Layouts(DescribeTopicPartitionsRequest.self, [(17, 0xD634_3C53)]),
        Layouts(
            ProduceResponse.self,
            [
                (25, 0xD400_2837), (29, 0xCE96_86F4), (37, 0x1028_D81D), (37, 0x1028_D81D), (37, 0x1028_D81D),
                (45, 0x6FF2_E80A), (45, 0x6FF2_E80A), (45, 0x6FF2_E80A), (59, 0x966B_0C8F), (51, 0xCDA2_B53E),
                (78, 0x59C8_69A4), (78, 0x59C8_69A4),
            ]),
        Layouts(
            FetchResponse.self,
            [
                (62, 0xE1A7_4686), (70, 0x4C7E_086B), (70, 0x4C7E_086B), (76, 0xD4B4_644B), (76, 0xD4B4_644B),
                (76, 0xD4B4_644B), (76, 0xD4B4_644B), (80, 0x0BEF_4E1F), (112, 0xC622_BA87), (126, 0x7473_17EA),
                (126, 0x7473_17EA), (126, 0x7473_17EA), (142, 0x982B_2558),
            ]),
        Layouts(
            ListOffsetsResponse.self,
            [
                (33, 0x0044_688D), (37, 0x2EA4_AF6A), (37, 0x2EA4_AF6A), (41, 0x4798_8D56), (41, 0x4798_8D56),
                (37, 0x25EC_581D), (37, 0x25EC_581D), (37, 0x25EC_581D), (37, 0x25EC_581D), (37, 0x25EC_581D),
            ]),
        Layouts(
            MetadataResponse.self,
            [
                (54, 0x7F8A_019F), (62, 0x5B26_41F4), (65, 0x1209_BF49), (69, 0x6E05_F1A6), (69, 0x6E05_F1A6),
                (77, 0xE98F_4635), (77, 0xE98F_4635), (81, 0xED1C_C470), (89, 0xF495_59D4), (71, 0xE19C_1333),
                (87, 0xFEB5_B4B3), (83, 0x0490_7597), (83, 0x0490_7597), (85, 0xF2E7_776C),
            ]),
        Layouts(
            OffsetCommitResponse.self,
            [
                (17, 0x87E2_531F), (21, 0x0A04_7DEB), (21, 0x0A04_7DEB), (21, 0x0A04_7DEB), (21, 0x0A04_7DEB),
                (21, 0x0A04_7DEB), (17, 0xB3D8_428D), (17, 0xB3D8_428D),
            ]),
        Layouts(
            OffsetFetchResponse.self,
            [
                (28, 0xBFCA_F1A3), (30, 0xC9DB_63CF), (34, 0xEAD8_7344), (34, 0xEAD8_7344), (38, 0xE7B4_6179),
                (33, 0x6B87_0EAC), (33, 0x6B87_0EAC), (37, 0x07C0_3F54), (37, 0x07C0_3F54),
            ]),
        Layouts(
            FindCoordinatorResponse.self,
            [
                (13, 0x5C69_BDD3), (20, 0x7E57_E116), (20, 0x7E57_E116), (19, 0xFF6D_66C2), (23, 0x5BEF_6C3A),
                (23, 0x5BEF_6C3A), (23, 0x5BEF_6C3A),
            ]),
        Layouts(
            JoinGroupResponse.self,
            [
                (27, 0x5B8D_E513), (27, 0x5B8D_E513), (31, 0xB225_0AD4), (31, 0xB225_0AD4), (31, 0xB225_0AD4),
                (34, 0x4614_D17A), (25, 0xC500_E05E), (27, 0xAA8D_7674), (27, 0xAA8D_7674), (28, 0x2B42_4424),
            ]),
        Layouts(
            HeartbeatResponse.self,
            [(2, 0x10A8_6CA6), (6, 0x3E71_00E0), (6, 0x3E71_00E0), (6, 0x3E71_00E0), (7, 0xB173_8A4B)]),
        Layouts(
            LeaveGroupResponse.self,
            [
                (2, 0x10A8_6CA6), (6, 0x3E71_00E0), (6, 0x3E71_00E0), (18, 0xE667_6F79), (15, 0x0624_77E5),
                (15, 0x0624_77E5),
            ]),
        Layouts(
            SyncGroupResponse.self,
            [
                (7, 0xAF52_565E), (11, 0xD321_1342), (11, 0xD321_1342), (11, 0xD321_1342), (9, 0xA627_3F21),
                (13, 0x9EFD_D827),
            ]),
        Layouts(
            DescribeGroupsResponse.self,
            [
                (41, 0x2D96_0284), (45, 0x6261_4B29), (45, 0x6261_4B29), (49, 0x1D21_A4BE), (52, 0xA2B4_5A5E),
                (35, 0x80B3_B5CE), (37, 0x08C5_BC85),
            ]),
        Layouts(
            ListGroupsResponse.self,
            [
                (12, 0x5632_D8CA), (16, 0x2199_7843), (16, 0x2199_7843), (13, 0x22B5_B211), (15, 0x5F9D_25AC),
                (17, 0x624E_1211),
            ]),
        Layouts(SaslHandshakeResponse.self, [(9, 0x3341_FDC1), (9, 0x3341_FDC1)]),
        Layouts(
            ApiVersionsResponse.self,
            [(12, 0x4FD1_7A76), (16, 0xFA82_FD60), (16, 0xFA82_FD60), (48, 0xDC37_15B1), (48, 0xDC37_15B1)]),
        Layouts(
            CreateTopicsResponse.self,
            [
                (16, 0x2346_F09D), (16, 0x2346_F09D), (16, 0x2346_F09D), (32, 0x44D7_969A), (32, 0x44D7_969A),
                (48, 0x740E_9BB9),
            ]),
        Layouts(
            DeleteTopicsResponse.self,
            [
                (13, 0x7B06_7CEF), (13, 0x7B06_7CEF), (13, 0x7B06_7CEF), (11, 0xD6CA_AC97), (13, 0x71B7_0250),
                (29, 0xED64_7A83),
            ]),
        Layouts(DeleteRecordsResponse.self, [(29, 0x774D_B6F5), (29, 0x774D_B6F5), (25, 0x09C2_DA89)]),
        Layouts(
            InitProducerIdResponse.self,
            [
                (16, 0xA5A0_F684), (16, 0xA5A0_F684), (17, 0x17B4_5FC0), (17, 0x17B4_5FC0), (17, 0x17B4_5FC0),
                (17, 0x17B4_5FC0),
            ]),
        Layouts(OffsetForLeaderEpochResponse.self, [(33, 0xC960_492E), (33, 0xC960_492E), (29, 0x9794_E3F5)]),
        Layouts(
            AddPartitionsToTxnResponse.self,
            [(21, 0x0A04_7DEB), (21, 0x0A04_7DEB), (21, 0x0A04_7DEB), (17, 0xB3D8_428D)]),
        Layouts(
            AddOffsetsToTxnResponse.self, [(6, 0x3E71_00E0), (6, 0x3E71_00E0), (6, 0x3E71_00E0), (7, 0xB173_8A4B)]),
        Layouts(
            EndTxnResponse.self,
            [(6, 0x3E71_00E0), (6, 0x3E71_00E0), (6, 0x3E71_00E0), (7, 0xB173_8A4B), (7, 0xB173_8A4B)]),
        Layouts(
            TxnOffsetCommitResponse.self,
            [(21, 0x0A04_7DEB), (21, 0x0A04_7DEB), (21, 0x0A04_7DEB), (17, 0xB3D8_428D), (17, 0xB3D8_428D)]),
        Layouts(
            DescribeConfigsResponse.self, [(41, 0x1F3C_FD71), (41, 0x1F3C_FD71), (45, 0x1D95_DE74), (33, 0x942B_5A52)]),
        Layouts(AlterConfigsResponse.self, [(17, 0xF37E_42AB), (17, 0xF37E_42AB), (14, 0x3A6D_4F97)]),
        Layouts(
            DescribeLogDirsResponse.self, [(45, 0x48E8_A9ED), (38, 0x2E8B_1D42), (40, 0xB4E1_FFFA), (56, 0x07FF_8D76)]),
        Layouts(SaslAuthenticateResponse.self, [(10, 0x0C13_6FEB), (18, 0x2C46_63FE), (15, 0x8857_E340)]),
        Layouts(
            CreatePartitionsResponse.self, [(16, 0x2346_F09D), (16, 0x2346_F09D), (13, 0x71B7_0250), (13, 0x71B7_0250)]),
        Layouts(DeleteGroupsResponse.self, [(13, 0x7B06_7CEF), (13, 0x7B06_7CEF), (11, 0xD6CA_AC97)]),
        Layouts(IncrementalAlterConfigsResponse.self, [(17, 0xF37E_42AB), (14, 0x3A6D_4F97)]),
        Layouts(OffsetDeleteResponse.self, [(23, 0x3AD9_109B)]),
        Layouts(DescribeClusterResponse.self, [(33, 0xBF78_B856), (34, 0x44C0_AC4A), (35, 0xC50A_31F1)]),
        Layouts(ConsumerGroupHeartbeatResponse.self, [(44, 0xB4E0_08D0), (44, 0xB4E0_08D0)]),
        Layouts(ConsumerGroupDescribeResponse.self, [(102, 0x0930_5DBA), (103, 0x0AC2_2164)]),
        Layouts(DescribeTopicPartitionsResponse.self, [(81, 0x0E60_D9CD)]),
    ]
}
